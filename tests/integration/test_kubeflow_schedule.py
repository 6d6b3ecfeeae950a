"""`forger kubeflow submit, schedule, unschedule` against a real HTTP server that checks requests as KFP's API does."""

from __future__ import annotations

import functools
import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import Result

from pipeline.kubeflow.cluster import Cluster
from pipeline.kubeflow.compiler import compile_pipeline, sdk_version, write
from pipeline.kubeflow.package import read_package
from tests.support import command
from tests.support.kubeflow.server import Api, serving

CRON = "0 0 3 * * *"


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A compiled pipeline."""
    path = tmp_path_factory.mktemp("compiled") / "pipeline.yaml"
    write(compile_pipeline("smoke", [], Cluster(image="forger:1", pipeline_root="s3://bucket/forger"), []), path)
    return path


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    """A server with nothing on it; the client finds it as kfp's users say where theirs is."""
    server = Api()
    with serving(server) as url:
        monkeypatch.setenv("KF_PIPELINES_ENDPOINT", url)
        yield server


@pytest.fixture
def forger():
    """`forger kubeflow` in this process: importing TFX anew for each would take most of the time."""
    return functools.partial(command.forger, "kubeflow")


def _line(outcome: Result) -> str:
    """The one line of a refusal."""
    assert outcome.exit_code == 2 and outcome.stdout == "", outcome.output
    assert outcome.stderr.startswith("forger: ") and outcome.stderr.count("\n") == 1, outcome.stderr
    return outcome.stderr.strip()


def test_a_schedule_is_created_once_updated_and_left_alone(api: Api, forger, package: Path) -> None:
    done = forger("schedule", package, "--cron", CRON, "--param", "steps=2000", "--param", 'settings={"gan.width": 32}')
    assert (done.exit_code, done.stdout.split()[:3]) == (0, ["created", "schedule", "forger"]), done.stderr
    (created,) = api.recurring.values()
    assert created["trigger"] == {"cron_schedule": {"cron": CRON}}
    assert (created["max_concurrency"], created["no_catchup"], created["mode"]) == ("1", True, "ENABLE")
    assert created["runtime_config"] == {
        "parameters": {"steps": 2000, "settings": {"gan.width": 32}},
        "pipeline_root": "s3://bucket/forger",
    }
    calls = list(api.calls)
    again = forger("schedule", package, "--cron", CRON, "--param", "steps=2000", "--param", 'settings={"gan.width": 32}')
    assert again.stdout.startswith("unchanged") and api.calls == calls

    changed = forger("schedule", package, "--cron", "0 30 4 * * MON-FRI", "--max-concurrency", 2, "--catchup")
    assert changed.stdout.startswith("updated")
    (updated,) = api.recurring.values()
    assert updated["recurring_run_id"] != created["recurring_run_id"]
    assert updated["trigger"] == {"cron_schedule": {"cron": "0 30 4 * * MON-FRI"}}
    assert (updated["max_concurrency"], updated.get("no_catchup", False)) == ("2", False)
    assert len(api.pipelines) == len(api.versions) == len(api.experiments) == 1


def test_another_content_is_another_version_of_the_same_pipeline(api: Api, forger, package: Path, tmp_path: Path) -> None:
    forger("schedule", package, "--cron", CRON)
    other = tmp_path / "other.yaml"
    other.write_text(package.read_text().replace("forger:1", "forger:2"))
    assert forger("schedule", other, "--cron", CRON).stdout.startswith("updated")
    assert len(api.pipelines) == 1 and len(api.versions) == 2
    (scheduled,) = api.recurring.values()
    newest = list(api.versions.values())[-1]
    assert scheduled["pipeline_version_reference"]["pipeline_version_id"] == newest["pipeline_version_id"]


def test_duplicates_and_paused_schedules_are_put_right(api: Api, forger, package: Path) -> None:
    forger("schedule", package, "--cron", CRON)
    (first,) = api.recurring.values()
    for number in range(120):  # more than a page
        api.recurring[f"copy-{number}"] = first | {"recurring_run_id": f"copy-{number}"}
    api.recurring["other"] = first | {"recurring_run_id": "other", "display_name": "other"}
    assert forger("schedule", package, "--cron", CRON).stdout.startswith("unchanged")
    assert set(api.recurring) == {first["recurring_run_id"], "other"}

    assert forger("unschedule", "--pause").stdout == "paused schedule forger\n"
    assert first["status"] == "DISABLED"
    assert forger("schedule", package, "--cron", CRON).stdout.startswith("updated")
    assert [run["status"] for run in api.recurring.values() if run["display_name"] == "forger"] == ["ENABLED"]


def test_unschedule_disables_deletes_and_can_be_repeated(api: Api, forger, package: Path) -> None:
    forger("schedule", package, "--cron", CRON)
    (identifier,) = api.recurring
    api.calls.clear()
    assert forger("unschedule").stdout == "removed schedule forger\n"
    assert api.calls == [f"POST /recurringruns/{identifier}:disable", f"DELETE /recurringruns/{identifier}"]
    assert not api.recurring
    again = forger("unschedule")
    assert (again.exit_code, again.stdout) == (0, "there is no schedule forger\n")


def test_submit_uploads_once_and_starts_a_run_each_time(api: Api, forger, package: Path) -> None:
    for seed in (1, 2):
        assert forger("submit", package, "--param", f"seed={seed}", "--service-account", "trainer").exit_code == 0
    assert len(api.versions) == 1
    runs = list(api.runs.values())
    assert [run["runtime_config"]["parameters"] for run in runs] == [{"seed": 1}, {"seed": 2}]
    assert {run["service_account"] for run in runs} == {"trainer"}


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/pipelines/upload_version"), ("POST", "/experiments"), ("POST", "/recurringruns")]
)
def test_a_failure_half_way_leaves_nothing_on_the_server(api: Api, forger, package: Path, method: str, path: str) -> None:
    api.failures[method, path] = (500, "Internal error: database is locked")
    assert "KFP answered 500 (Internal error: database is locked)" in _line(forger("schedule", package, "--cron", CRON))
    assert api.is_empty


def test_a_failed_update_leaves_the_old_schedule(api: Api, forger, package: Path) -> None:
    forger("schedule", package, "--cron", CRON)
    (identifier,) = api.recurring
    api.failures["DELETE", f"/recurringruns/{identifier}"] = (503, "no healthy upstream")
    assert "remove the schedule's older form: KFP answered 503" in _line(forger("schedule", package, "--cron", "0 0 5 * * *"))
    assert list(api.recurring) == [identifier]


def test_a_name_that_another_pipeline_has_is_not_taken_over(api: Api, forger, package: Path) -> None:
    api.recurring["x"] = {"recurring_run_id": "x", "display_name": "forger", "pipeline_version_reference": {"pipeline_id": "y"}}
    assert "runs another pipeline: choose another --name" in _line(forger("schedule", package, "--cron", CRON))
    assert list(api.recurring) == ["x"] and not api.pipelines


@pytest.mark.parametrize(
    ("status", "mend"), [(403, "ask for access"), (404, "is --host the address"), (409, "try again"), (500, "server's own log")]
)
def test_refusals_are_one_line_with_the_mend(api: Api, forger, package: Path, status: int, mend: str) -> None:
    api.failures["GET", "/healthz"] = (status, "said so")
    line = _line(forger("schedule", package, "--cron", CRON))
    assert f"KFP answered {status} (said so)" in line and mend in line


def test_a_token_is_needed_and_sent(api: Api, forger, package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    api.token = "secret"
    assert "KFP answered 401" in (line := _line(forger("submit", package))) and "--token" in line
    monkeypatch.setenv("FORGER_KFP_TOKEN", "wrong")
    assert "KFP answered 401" in _line(forger("submit", package))
    monkeypatch.setenv("FORGER_KFP_TOKEN", "secret")
    assert forger("submit", package).exit_code == 0


def test_an_unreachable_host_is_named(forger, package: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound, not listening
        port = unused.getsockname()[1]
        line = _line(forger("submit", package, "--host", f"http://127.0.0.1:{port}"))
    assert f"no KFP server answers at 127.0.0.1:{port}" in line and "--host" in line


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--cron", "0 3 * * *"], "put the seconds first, '0 0 3 * * *'"),
        (["--cron", "0 0 24 * * *"], "'24' is no hours (0 to 23)"),
        (["--cron", CRON, "--param", "seed=many"], "--param seed: expected a whole number, not 'many'"),
        (["--cron", CRON, "--param", "sed=1"], "NAME is one of"),
        (["--cron", CRON, "--param", "profile=nope"], "unknown profile 'nope': choose one of smoke"),
        (["--cron", CRON, "--param", 'settings={"gan.width": 0}'], "gan.width"),
        (["--cron", CRON, "--param", 'settings={"gan.seed": 2}'], "settings can't hold gan.seed"),
        (["--cron", CRON, "--param", "settings=3"], "expected a JSON object"),
    ],
)
def test_bad_input_never_reaches_the_server(api: Api, forger, package: Path, arguments: list[str], line: str) -> None:
    assert line in _line(forger("schedule", package, *arguments))
    assert api.is_empty and not api.calls


def test_a_file_of_another_version_or_none_at_all_is_refused(api: Api, forger, package: Path, tmp_path: Path) -> None:
    other = tmp_path / "pipeline.yaml"
    other.write_text(package.read_text().replace(sdk_version(), "forger-0.0.1 tfx-1.20.0"))
    assert "was compiled by forger-0.0.1 tfx-1.20.0" in _line(forger("submit", other))
    other.write_text(json.dumps({"apiVersion": "v1"}))
    assert "is no compiled pipeline" in _line(forger("submit", other))
    assert "can't be read (No such file or directory)" in _line(forger("submit", tmp_path / "missing.yaml"))
    assert api.is_empty


def test_compile_writes_one_file_and_says_what_comes_next(forger, tmp_path: Path) -> None:
    out = tmp_path / "new" / "pipeline.yaml"
    done = forger("compile", "--out", out, "--image", "forger:1", "--pipeline-root", "gs://bucket/x", "--set", "gan.width=8")
    assert (done.exit_code, done.stderr) == (0, "")
    assert f"forger kubeflow submit {out}" in done.stdout
    assert [file.name for file in out.parent.iterdir()] == ["pipeline.yaml"]
    package = read_package(out)
    assert (package.name, package.pipeline_root) == ("forger", "gs://bucket/x")
    assert package.kinds["settings"] == "STRUCT"


def test_compiling_prints_nothing_of_tensorflows(tmp_path: Path) -> None:
    out = tmp_path / "pipeline.yaml"
    given = ["--out", str(out), "--image", "forger:1", "--pipeline-root", "gs://bucket/x"]
    command = [sys.executable, "-m", "pipeline.cli", "kubeflow", "compile", *given]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # TensorFlow prints past Python's own streams
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--pipeline-root", "gs://b"], "no image: give --image"),
        (
            ["--image", "x", "--pipeline-root", "file:///tmp/x"],
            "expected gs://BUCKET/PATH, s3://BUCKET/PATH or minio://BUCKET/PATH",
        ),
        (["--image", "x", "--pipeline-root", "gs://b", "--profile", "nightly"], "unknown profile 'nightly'"),
        (["--image", "x", "--pipeline-root", "gs://b", "--set", "gan.steps=many"], "gan.steps"),
        (["--image", "x", "--pipeline-root", "gs://b", "--cluster", "missing.yaml"], "--cluster missing.yaml can't be read"),
    ],
)
def test_what_cannot_be_compiled_leaves_no_file(forger, tmp_path: Path, arguments: list[str], line: str) -> None:
    out = tmp_path / "pipeline.yaml"
    assert line in _line(forger("compile", "--out", out, *arguments))
    assert not list(tmp_path.iterdir())


def test_what_was_done_as_json(api: Api, forger, package: Path, tmp_path: Path) -> None:
    started = json.loads(forger("submit", package, "--name", "mine", "--json").stdout)
    assert (started["run_id"], started["name"]) == (next(iter(api.runs)), "mine")
    scheduled = json.loads(forger("schedule", package, "--cron", CRON, "--json").stdout)
    assert (scheduled["outcome"], scheduled["recurring_run_id"]) == ("created", next(iter(api.recurring)))
    assert json.loads(forger("unschedule", "--json").stdout) == {"outcome": "removed", "name": "forger", "runs_under_way": 0}
    assert json.loads(forger("unschedule", "--json").stdout)["outcome"] == "absent"
