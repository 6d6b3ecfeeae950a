"""Single runs on a KFP server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.kubeflow.objects import all_or_nothing, check_name, matching, namespace_of, pages, put_experiment, put_version
from pipeline.kubeflow.package import Package
from pipeline.kubeflow.server import Client, one_line
from serving.repository.errors import UserError

_PAGE = 100
_ENDED = ("SUCCEEDED", "SKIPPED", "FAILED", "CANCELED")


def submit_run(
    client: Client,
    package: Package,
    experiment: str,
    run_name: str,
    parameters: Mapping[str, Any],
    service_account: str | None,
) -> str:
    """Upload the pipeline, unless it is there, and start one run; returns its id.

    Raises:
        UserError: A name that KFP can't keep, a server that refuses, or one that gives the pods another account.
    """
    check_name("run", run_name)
    check_name("experiment", experiment)
    with all_or_nothing() as undo:
        pipeline_id, version_id = put_version(client, package, undo)
        experiment_id = put_experiment(client, experiment, undo)
        with one_line("start the run"):
            run: Any = client.run_pipeline(
                experiment_id,
                run_name,
                params=dict(parameters),
                pipeline_id=pipeline_id,
                version_id=version_id,
                pipeline_root=package.pipeline_root,
                service_account=service_account,
            )
        undo(lambda: client.terminate_run(run.run_id))
        check_account("run", client, service_account, run.service_account)
    return run.run_id


def check_account(kind: str, client: Client, wanted: str | None, given: str | None) -> None:
    """Check that a server gives the pods the account that was asked for.

    Raises:
        UserError: It gives them its own.
    """
    if wanted and given and given != wanted:
        raise UserError(
            f"{client.release_name} gives the pods of a {kind} its own account {given}, not {wanted}: grant {given} the rights "
            f"of {wanted}, have the server's DEFAULTPIPELINERUNNERSERVICEACCOUNT set to {wanted}, or use KFP 2.17 or newer"
        )


def runs_under_way(client: Client, recurring_run_id: str) -> int:
    """Count the runs that a schedule has started and that haven't ended."""
    with one_line("list the schedule's runs"):
        found = pages(
            lambda token: client.list_runs(
                page_token=token,
                page_size=_PAGE,
                namespace=namespace_of(client),
                filter=matching("recurring_run_id", recurring_run_id),
            ),
            "runs",
        )
    return sum(run.recurring_run_id == recurring_run_id and run.state not in _ENDED for run in found)
