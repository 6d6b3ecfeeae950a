"""What is put on a KFP server: pipeline versions, runs and recurring runs; each under one name, changed and not doubled."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import kfp
import kfp_server_api

from pipeline.kubeflow.cron import check_cron
from pipeline.kubeflow.package import Package
from pipeline.kubeflow.server import one_line
from serving.repository.errors import UserError

_PAGE = 100
_EQUALS = 1  # kfp's number of the filter operation


@dataclass(frozen=True)
class Schedule:
    """When runs start, and how.

    Attributes:
        name: Of the recurring run; there is one of each name.
        cron: With seconds.
        max_concurrency: Runs at the same time; more than one would train on the same home at once.
        catchup: Make up for runs that were missed.
        parameters: The pipeline's; the others have the package's defaults.
        service_account: Kubernetes account of the pods; None for the server's default.
    """

    name: str
    cron: str
    max_concurrency: int
    catchup: bool
    parameters: Mapping[str, Any]
    service_account: str | None = None


def submit_run(
    client: kfp.Client,
    package: Package,
    experiment: str,
    run_name: str,
    parameters: Mapping[str, Any],
    service_account: str | None,
) -> str:
    """Upload the pipeline, unless it is there, and start one run; returns its id."""
    with _all_or_nothing() as undo:
        pipeline_id, version_id = _upload(client, package, undo)
        experiment_id = _experiment(client, experiment, undo)
        with one_line("start the run"):
            run = client.run_pipeline(
                experiment_id,
                run_name,
                params=dict(parameters),
                pipeline_id=pipeline_id,
                version_id=version_id,
                pipeline_root=package.pipeline_root,
                service_account=service_account,
            )
    return run.run_id


def put_schedule(client: kfp.Client, package: Package, experiment: str, wanted: Schedule) -> tuple[str, str]:
    """Make the one recurring run of a name be the wanted one.

    KFP can't change a recurring run: the new one is made first, then the old ones go, so a failure leaves a working schedule.

    Returns:
        The recurring run's id, and "created", "updated" or "unchanged".

    Raises:
        UserError: A wrong cron expression, a server that refuses, or a name that another pipeline's schedule has.
    """
    check_cron(wanted.cron)
    with _all_or_nothing() as undo:
        pipeline_id, version_id = _upload(client, package, undo)
        experiment_id = _experiment(client, experiment, undo)
        old = find_schedules(client, wanted.name)
        for other in old:
            reference = other.pipeline_version_reference
            if reference is None or reference.pipeline_id != pipeline_id:
                raise UserError(f"a schedule named {wanted.name!r} runs another pipeline: choose another --name")
        same = [run for run in old if _is(run, wanted, version_id, package)]
        if same:
            kept, outcome = same[0].recurring_run_id, "unchanged"
        else:
            with one_line("create the schedule"):
                created = client.create_recurring_run(
                    experiment_id,
                    wanted.name,
                    cron_expression=wanted.cron,
                    max_concurrency=wanted.max_concurrency,
                    no_catchup=not wanted.catchup,
                    params=dict(wanted.parameters),
                    pipeline_id=pipeline_id,
                    version_id=version_id,
                    pipeline_root=package.pipeline_root,
                    service_account=wanted.service_account,
                )
            kept, outcome = created.recurring_run_id, "updated" if old else "created"
            undo(lambda: client.delete_recurring_run(kept))
        with one_line("remove the schedule's older form"):
            for run in old:
                if run.recurring_run_id != kept:
                    client.delete_recurring_run(run.recurring_run_id)
    return kept, outcome


def remove_schedule(client: kfp.Client, name: str, *, pause: bool) -> int:
    """Delete, or only disable, the recurring runs of a name; says how many there were."""
    found = find_schedules(client, name)
    with one_line(f"{'pause' if pause else 'remove'} the schedule"):
        for run in found:
            client.disable_recurring_run(run.recurring_run_id)
            if not pause:
                client.delete_recurring_run(run.recurring_run_id)
    return len(found)


def find_schedules(client: kfp.Client, name: str) -> list[kfp_server_api.V2beta1RecurringRun]:
    """Find the recurring runs of a name, on all pages."""
    with one_line("list the schedules"):
        found = _pages(
            lambda token: client.list_recurring_runs(
                page_token=token, page_size=_PAGE, namespace=client.get_user_namespace() or None, filter=_named(name)
            ),
            "recurring_runs",
        )
    return [run for run in found if run.display_name == name]


def _is(run: kfp_server_api.V2beta1RecurringRun, wanted: Schedule, version_id: str, package: Package) -> bool:
    """Say whether a recurring run is the wanted one already, and enabled."""
    cron = run.trigger.cron_schedule.cron if run.trigger and run.trigger.cron_schedule else None
    runtime = run.runtime_config
    return (
        run.status in (None, "ENABLED")
        and run.mode in (None, kfp_server_api.RecurringRunMode.ENABLE)
        and run.pipeline_version_reference.pipeline_version_id == version_id
        and cron == wanted.cron
        and int(run.max_concurrency or 1) == wanted.max_concurrency
        and bool(run.no_catchup) == (not wanted.catchup)
        and (run.service_account or None) == wanted.service_account
        and ((runtime.parameters if runtime else None) or {}) == dict(wanted.parameters)
        and ((runtime.pipeline_root if runtime else None) or package.pipeline_root) == package.pipeline_root
    )


def _upload(client: kfp.Client, package: Package, undo: Callable[[Callable[[], Any]], None]) -> tuple[str, str]:
    """Upload a package, unless it is there; returns the ids of the pipeline and its version."""
    with one_line("upload the pipeline"):
        pipeline_id = client.get_pipeline_id(package.name)
        if pipeline_id is None:
            # Made empty: kfp's own upload_pipeline would name the first version after the pipeline.
            body = kfp_server_api.V2beta1Pipeline(display_name=package.name, namespace=client.get_user_namespace() or None)
            made = client.pipelines.pipeline_service_create_pipeline(  # pyright: ignore[reportAttributeAccessIssue] (kfp sets it)
                pipeline=body
            ).pipeline_id
            undo(lambda: client.delete_pipeline(made))
            pipeline_id = made
        versions = _pages(
            lambda token: client.list_pipeline_versions(
                pipeline_id, page_token=token, page_size=_PAGE, filter=_named(package.version)
            ),
            "pipeline_versions",
        )
        same = [version for version in versions if version.display_name == package.version]
        if same:
            return pipeline_id, same[0].pipeline_version_id
        uploaded = client.upload_pipeline_version(str(package.path), package.version, pipeline_id=pipeline_id)
    undo(lambda: client.delete_pipeline_version(pipeline_id, uploaded.pipeline_version_id))
    return pipeline_id, uploaded.pipeline_version_id


def _experiment(client: kfp.Client, name: str, undo: Callable[[Callable[[], Any]], None]) -> str:
    """Return the id of an experiment, made where there is none."""
    namespace: Any = client.get_user_namespace() or None  # kfp declares its optional texts as texts
    with one_line("find the experiment"):
        try:
            return client.get_experiment(experiment_name=name, namespace=namespace).experiment_id
        except ValueError as error:
            if not str(error).startswith("No experiment is found"):
                raise
    with one_line("create the experiment"):
        made = client.create_experiment(name, namespace=namespace).experiment_id
    undo(lambda: client.delete_experiment(made))
    return made


def _named(name: str) -> str:
    return json.dumps({"predicates": [{"operation": _EQUALS, "key": "display_name", "stringValue": name}]})


def _pages(fetch: Callable[[str], Any], key: str) -> list[Any]:
    """Collect the items of all pages."""
    items, token = [], ""
    while True:
        page = fetch(token)
        items += getattr(page, key) or []
        token = page.next_page_token or ""
        if not token:
            return items


@contextlib.contextmanager
def _all_or_nothing() -> Any:
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
