"""Names and paths are printed as they are, whatever they mean to Rich."""

from pathlib import Path

import pytest
from rich.console import Console

from components.gate.verdict.verdict import Check
from pipeline.home.run_record import RunRecord
from pipeline.home.versions import collect_versions
from pipeline.terminal.console import make_console
from pipeline.terminal.run import show_end
from pipeline.terminal.status import show_status
from pipeline.terminal.versions import show_versions

NAME = "/tmp/[bold]x[/] [/red] :cat: [a]"


@pytest.fixture
def console() -> Console:
    return make_console()


def record(**changes: object) -> RunRecord:
    texts = dict.fromkeys(("started", "pipeline_digest", "training_key"), "")
    known = {"run_id": "1", "state": "blessed", "profile": NAME, "config": {"data": {"dataset": "mnist"}}, **texts}
    return RunRecord(**{**known, **changes})


def test_an_empty_home(console, capsys):
    show_status({"last_run": None, "home": NAME}, console)
    assert NAME in capsys.readouterr().out


def test_a_status(console, capsys):
    known = {"last_run": record(reason=NAME).model_dump(mode="json"), "busy": False, "versions": {NAME: [1]}, "served": {}}
    show_status(known, console)
    assert capsys.readouterr().out.count(NAME) == 3


def test_versions(console, capsys, tmp_path):
    show_versions([], Path(NAME), console)
    assert NAME in capsys.readouterr().out
    (tmp_path / "base" / "1").mkdir(parents=True)
    (one,) = collect_versions(tmp_path / "base")
    show_versions([one | {"run_id": NAME, "problem": NAME}], tmp_path / "base", console)
    assert capsys.readouterr().out.count(NAME) == 2


def test_the_end_of_a_run(console, capsys):
    check = Check(metric="recall", slice=NAME, value=0.1, limit=0.5, kind="min", passed=False)
    verdict = {"blessed": True, "reason": NAME, "checks": [check.model_dump(mode="json")]}
    ended = record(verdict=verdict, pushed_path=NAME, pushed_version=1, pictures={"picture": NAME})
    show_end(ended, console, 1.0, as_before=False)
    assert capsys.readouterr().out.count(NAME) >= 4
