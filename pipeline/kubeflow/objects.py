"""What runs and schedules refer to on a KFP server, each under one name: pipelines, their versions, experiments."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from typing import Any

import kfp_server_api

from pipeline.kubeflow.package import Package
from pipeline.kubeflow.server import Client, one_line
from serving.repository.errors import UserError

Undo = Callable[[Callable[[], Any]], None]
_PAGE = 100
_EQUALS = 1  # kfp's number of the filter operation
# KFP's columns; a longer name of a schedule fails only after Kubernetes has made it, where KFP then never lists it.
_MAX_NAME = {"schedule": 255, "run": 255, "experiment": 128}


def check_name(kind: str, name: str) -> None:
    """Check a name that KFP is to keep.

    Raises:
        UserError: It is empty or too long.
    """
    if not name.strip() or len(name) > _MAX_NAME[kind]:
        raise UserError(f"the {kind}'s name has {len(name)} characters: choose one of 1 to {_MAX_NAME[kind]}")


def namespace_of(client: Client) -> Any:
    """Return the namespace to ask for; None where the server has none (kfp declares its optional texts as texts)."""
    return client.get_user_namespace() or None


def put_version(client: Client, package: Package, undo: Undo) -> tuple[str, str]:
    """Upload a package, unless it is there; returns the ids of the pipeline and its version."""
    with one_line("upload the pipeline"):
        pipeline_id = find_pipeline(client, package.name)
        if pipeline_id is None:
            # Made empty: kfp's own upload_pipeline would name the first version after the pipeline.
            body = kfp_server_api.V2beta1Pipeline(display_name=package.name, namespace=namespace_of(client))
            made = client.pipelines.pipeline_service_create_pipeline(  # pyright: ignore[reportAttributeAccessIssue] (kfp sets it)
                pipeline=body
            ).pipeline_id
            undo(lambda: client.delete_pipeline(made))
            pipeline_id = made
        versions = pages(
            lambda token: client.list_pipeline_versions(
                pipeline_id, page_token=token, page_size=_PAGE, filter=named(package.version)
            ),
            "pipeline_versions",
        )
        same = [version for version in versions if version.display_name == package.version]
        if same:
            return pipeline_id, same[0].pipeline_version_id
        uploaded = client.upload_pipeline_version(str(package.path), package.version, pipeline_id=pipeline_id)
    undo(lambda: client.delete_pipeline_version(pipeline_id, uploaded.pipeline_version_id))
    return pipeline_id, uploaded.pipeline_version_id


def find_pipeline(client: Client, name: str) -> str | None:
    """Return a pipeline's id; kfp's own get_pipeline_id looks at the pipelines of no namespace only."""
    found = pages(
        lambda token: client.list_pipelines(
            page_token=token, page_size=_PAGE, namespace=namespace_of(client), filter=named(name)
        ),
        "pipelines",
    )
    return next((pipeline.pipeline_id for pipeline in found if pipeline.display_name == name), None)


def put_experiment(client: Client, name: str, undo: Undo) -> str:
    """Return the id of an experiment, made where there is none."""
    with one_line("find the experiment"):
        try:
            return client.get_experiment(experiment_name=name, namespace=namespace_of(client)).experiment_id
        except ValueError as error:
            if not str(error).startswith("No experiment is found"):
                raise
    with one_line("create the experiment"):
        made = client.create_experiment(name, namespace=namespace_of(client)).experiment_id
    undo(lambda: client.delete_experiment(made))
    return made


def named(name: str) -> str:
    """Make KFP's filter for a display name."""
    return matching("display_name", name)


def matching(key: str, value: str) -> str:
    """Make KFP's filter for a field's value."""
    return json.dumps({"predicates": [{"operation": _EQUALS, "key": key, "stringValue": value}]})


def pages(fetch: Callable[[str], Any], key: str) -> list[Any]:
    """Collect the items of all pages."""
    items, token = [], ""
    while True:
        page = fetch(token)
        items += getattr(page, key) or []
        token = page.next_page_token or ""
        if not token:
            return items


@contextlib.contextmanager
def all_or_nothing() -> Iterator[Undo]:
    """Yield a function that registers how to undo a step; what was registered is done, newest first, if the block fails."""
    with contextlib.ExitStack() as stack:

        def undo(action: Callable[[], Any]) -> None:
            def attempt() -> None:
                # The first failure is what the user is told of; a server that is gone can't be cleaned up.
                with contextlib.suppress(UserError), one_line("undo"):
                    action()

            stack.callback(attempt)

        yield undo
        stack.pop_all()
