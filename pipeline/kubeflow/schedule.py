"""Recurring runs on a KFP server: one of each name, changed and not doubled, and never at the cost of a run under way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import kfp_server_api

from pipeline.kubeflow.cron import check_cron
from pipeline.kubeflow.objects import Undo, all_or_nothing, check_name, named, namespace_of, pages, put_experiment, put_version
from pipeline.kubeflow.package import Package
from pipeline.kubeflow.release import KEEPS_RUNS
from pipeline.kubeflow.runs import check_account, runs_under_way
from pipeline.kubeflow.server import Client, one_line
from serving.repository.errors import UserError

_PAGE = 100
_ORPHAN = kfp_server_api.V2beta1DeletePropagationPolicy.ORPHAN


@dataclass(frozen=True)
class Schedule:
    """When runs start, and how.

    Attributes:
        name: Of the recurring run; there is one of each name.
        cron: With seconds.
        max_concurrency: Runs at the same time.
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

    @property
    def description(self) -> str:
        """What KFP shows of it; tells an account that was asked for from one that the server filled in."""
        return f"Made by `forger kubeflow schedule`; account of the pods: {self.service_account or 'the default'}"


def put_schedule(client: Client, package: Package, experiment: str, wanted: Schedule) -> tuple[str, str]:
    """Make the one recurring run of a name be the wanted one.

    KFP can't change a recurring run: the new one is made first, then the old ones go, so a failure leaves a working schedule.

    Returns:
        The recurring run's id, and "created", "updated" or "unchanged".

    Raises:
        UserError: A wrong cron expression, a server that refuses or gives the pods another account, or a name that another
            pipeline's schedule has.
    """
    check_cron(wanted.cron)
    check_name("schedule", wanted.name)
    check_name("experiment", experiment)
    with all_or_nothing() as undo:
        pipeline_id, version_id = put_version(client, package, undo)
        experiment_id = put_experiment(client, experiment, undo)
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
                created: Any = client.create_recurring_run(
                    experiment_id,
                    wanted.name,
                    description=wanted.description,
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
            undo(lambda: _delete(client, kept))
            check_account("schedule", client, wanted.service_account, created.service_account)
        for run in old:
            if run.recurring_run_id != kept:
                _retire(client, run, "remove the schedule's older form", undo)
    return kept, outcome


def remove_schedule(client: Client, name: str, *, pause: bool) -> tuple[int, int]:
    """Delete, or only disable, the recurring runs of a name.

    Returns:
        How many there were, and how many runs are under way that kept them from being deleted: those are only disabled.
    """
    found = find_schedules(client, name)
    under_way = 0
    with all_or_nothing() as undo:
        for run in found:
            if not pause:
                under_way += _retire(client, run, "remove the schedule", undo)
            elif _enabled(run):
                with one_line("pause the schedule"):
                    client.disable_recurring_run(run.recurring_run_id)
    return len(found), under_way


def find_schedules(client: Client, name: str) -> list[kfp_server_api.V2beta1RecurringRun]:
    """Find the recurring runs of a name, on all pages."""
    with one_line("list the schedules"):
        found = pages(
            lambda token: client.list_recurring_runs(
                page_token=token, page_size=_PAGE, namespace=namespace_of(client), filter=named(name)
            ),
            "recurring_runs",
        )
    return [run for run in found if run.display_name == name]


def _retire(client: Client, run: kfp_server_api.V2beta1RecurringRun, what: str, undo: Undo) -> int:
    """Delete a recurring run, or only disable it where that would end runs of it; returns how many these are."""
    if _enabled(run):
        with one_line(what):
            client.disable_recurring_run(run.recurring_run_id)
        undo(lambda: client.enable_recurring_run(run.recurring_run_id))
    takes_runs = client.release is None or client.release < KEEPS_RUNS
    if takes_runs and (under_way := runs_under_way(client, run.recurring_run_id)):
        return under_way
    with one_line(what):
        _delete(client, run.recurring_run_id)
    return 0


def _delete(client: Client, recurring_run_id: str) -> None:
    """Delete a recurring run without its workflows; kfp's own delete_recurring_run has Kubernetes delete them with it."""
    service: Any = client.recurring_runs  # pyright: ignore[reportAttributeAccessIssue] (kfp sets it)
    service.recurring_run_service_delete_recurring_run(recurring_run_id, propagation_policy=_ORPHAN)


def _enabled(run: kfp_server_api.V2beta1RecurringRun) -> bool:
    return run.status in (None, "ENABLED") and run.mode in (None, kfp_server_api.RecurringRunMode.ENABLE)


def _is(run: kfp_server_api.V2beta1RecurringRun, wanted: Schedule, version_id: str, package: Package) -> bool:
    """Say whether a recurring run is the wanted one already, and enabled; the server fills in what it wasn't told."""
    cron = run.trigger.cron_schedule.cron if run.trigger and run.trigger.cron_schedule else None
    runtime = run.runtime_config
    return (
        _enabled(run)
        and run.pipeline_version_reference.pipeline_version_id == version_id
        and cron == wanted.cron
        and int(run.max_concurrency or 1) == wanted.max_concurrency
        and bool(run.no_catchup) == (not wanted.catchup)
        and run.description == wanted.description
        and wanted.service_account in (None, run.service_account)
        and ((runtime.parameters if runtime else None) or {}) == dict(wanted.parameters)
        and ((runtime.pipeline_root if runtime else None) or package.pipeline_root) == package.pipeline_root
    )
