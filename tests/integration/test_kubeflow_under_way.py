"""Changing and removing schedules while runs are under way, and on servers of all releases that the docs name."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipeline.kubeflow.cluster import Cluster
from pipeline.kubeflow.compiler import compile_pipeline, write
from tests.support import command
from tests.support.kubeflow.server import Api, serving

CRON = "0 0 3 * * *"
forger = functools.partial(command.forger, "kubeflow")


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A compiled pipeline."""
    path = tmp_path_factory.mktemp("compiled") / "pipeline.yaml"
    write(compile_pipeline("smoke", [], Cluster(image="forger:1", pipeline_root="s3://bucket/forger"), []), path)
    return path


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch):
    """Make a server, the one that the commands talk to."""

    @contextmanager
    def start(version: str = "2.16.1", **properties: bool) -> Iterator[Api]:
        api = Api(version, **properties)
        with serving(api) as url:
            monkeypatch.setenv("KF_PIPELINES_ENDPOINT", url)
            yield api

    return start


def _scheduled(api: Api) -> dict:
    (only,) = api.recurring.values()
    return only


@pytest.mark.parametrize("version", ["2.16.1", "2.17.0"])
def test_neither_a_change_nor_the_removal_of_a_schedule_ends_its_runs(served, package: Path, version: str) -> None:
    with served(version) as api:
        forger("schedule", package, "--cron", CRON)
        api.start(_scheduled(api)["recurring_run_id"])
        assert forger("schedule", package, "--cron", "0 0 4 * * *").stdout.startswith("updated")
        api.start(_scheduled(api)["recurring_run_id"])
        assert forger("unschedule").stdout == "removed schedule forger\n"
        assert not api.recurring and not api.killed


@pytest.mark.parametrize("version", ["2.5.0", "2.15.0", "unknown"])
def test_a_server_that_deletes_runs_with_their_schedule_is_only_told_to_pause_it(served, package: Path, version: str) -> None:
    with served(version) as api:
        forger("schedule", package, "--cron", CRON)
        first = _scheduled(api)
        run = api.start(first["recurring_run_id"])
        assert forger("schedule", package, "--cron", "0 0 4 * * *").stdout.startswith("updated")
        assert {each["status"] for each in api.recurring.values()} == {"ENABLED", "DISABLED"}
        assert first["status"] == "DISABLED" and not api.killed
        assert forger("schedule", package, "--cron", "0 0 4 * * *").stdout.startswith("unchanged")

        done = forger("unschedule")
        assert done.exit_code == 0
        assert re.match(r"paused schedule forger, not removed: KFP .* would end its 1 under way; repeat when", done.stdout)
        assert list(api.recurring) == [first["recurring_run_id"]] and not api.killed

        api.runs[run]["state"] = "SUCCEEDED"
        assert forger("unschedule").stdout == "removed schedule forger\n"
        assert not api.recurring and not api.killed


def test_a_failed_change_leaves_the_old_schedule_enabled(served, package: Path) -> None:
    with served("2.5.0") as api:
        forger("schedule", package, "--cron", CRON)
        old = _scheduled(api)
        api.failures["GET", "/runs"] = (500, "database is locked")
        assert forger("schedule", package, "--cron", "0 0 5 * * *").exit_code == 2
        assert _scheduled(api) is old and old["status"] == "ENABLED"


@pytest.mark.parametrize("multi_user", [False, True])
@pytest.mark.parametrize("version", ["2.5.0", "2.16.1", "2.17.0"])
def test_what_the_server_fills_in_is_no_change(served, package: Path, version: str, multi_user: bool) -> None:
    with served(version, multi_user=multi_user) as api:
        given = ["schedule", package, "--cron", CRON, "--param", "steps=2000", "--namespace", "team"]
        assert forger(*given).stdout.startswith("created")
        calls = list(api.calls)
        assert forger(*given).stdout.startswith("unchanged") and api.calls == calls


@pytest.mark.parametrize("multi_user", [False, True])
def test_a_namespace_of_ones_own_can_be_used_again_and_again(served, package: Path, multi_user: bool) -> None:
    with served(multi_user=multi_user) as api:
        for namespace in ("team", "other"):
            for _ in range(2):
                for given in (["submit", package], ["schedule", package, "--cron", CRON]):
                    done = forger(*given, "--namespace", namespace)
                    assert done.exit_code == 0, done.output
        assert len(api.pipelines) == len(api.versions) == len(api.experiments) == (2 if multi_user else 1)
        assert forger("unschedule", "--namespace", "team").stdout.startswith("removed")
        assert len(api.recurring) == (1 if multi_user else 0)


def test_an_account_that_the_server_drops_is_refused_and_nothing_stays(served, package: Path) -> None:
    with served("2.16.1") as api:
        done = forger("schedule", package, "--cron", CRON, "--service-account", "trainer")
        assert done.exit_code == 2
        assert "KFP 2.16.1 gives the pods of a schedule its own account pipeline-runner, not trainer" in done.stderr
        assert "DEFAULTPIPELINERUNNERSERVICEACCOUNT" in done.stderr
        assert api.is_empty
        api.account = "trainer"  # as the line says
        assert forger("schedule", package, "--cron", CRON, "--service-account", "trainer").exit_code == 0


def test_an_account_can_be_named_changed_and_left_to_the_server(served, package: Path) -> None:
    with served("2.17.0") as api:
        plain = ["schedule", package, "--cron", CRON]
        for account, outcome in (("trainer", "created"), ("trainer", "unchanged"), ("other", "updated"), (None, "updated")):
            done = forger(*plain, *(["--service-account", account] if account else []))
            assert done.stdout.startswith(outcome), (account, done.output)
            assert _scheduled(api)["service_account"] == (account or "pipeline-runner")


@pytest.mark.parametrize("version", ["2.0.5", "2.2.0", "2.4.1"])
def test_a_server_that_is_too_old_is_told_before_anything_is_sent(served, package: Path, version: str) -> None:
    with served(version) as api:
        for given in (["submit", package], ["schedule", package, "--cron", CRON], ["unschedule"]):
            done = forger(*given)
            assert done.exit_code == 2
            assert f"the server is KFP {version}, which can't run the pipeline: upgrade it to KFP 2.5" in done.stderr
        assert api.is_empty and not api.calls


@pytest.mark.parametrize(
    "given",
    [["schedule", "--cron", CRON, "--name"], ["submit", "--name"], ["submit", "--experiment"]],
    ids=lambda given: given[0],
)
def test_a_name_too_long_for_kfp_is_refused_here(served, package: Path, given: list[str]) -> None:
    with served() as api:
        done = forger(given[0], package, *given[1:], "x" * 300)
        assert done.exit_code == 2 and "name has 300 characters: choose one of 1 to" in done.stderr
        assert not api.calls and not api.unlisted


def test_the_cause_at_the_end_of_a_long_answer_is_told(served, package: Path) -> None:
    with served() as api:
        chain = "Failed to create a recurring run. " * 40
        api.failures["POST", "/recurringruns"] = (500, f"{chain}: the disk is full")
        stderr = forger("schedule", package, "--cron", CRON).stderr
        assert stderr.startswith("forger: can't create the schedule") and ": the disk is full)" in stderr
        assert len(stderr) < 900
