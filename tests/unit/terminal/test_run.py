"""What a person sees of a run."""

import io
import logging
import sys
from pathlib import Path

import pytest
from rich.console import Console

from components.gan.training.outcome import Outcome, write_outcome
from components.progress import log_note, report_progress
from pipeline.home.run_record import NodeRecord, RunRecord
from pipeline.home.status import collect_status
from pipeline.runner.local import NodeObserver
from pipeline.terminal.run import RunView, show_end, show_plan
from pipeline.terminal.status import show_status
from tests.support.past_home import PastHome


@pytest.fixture
def console():
    return Console(file=io.StringIO(), width=200)


@pytest.fixture
def view(console):
    """A view that hears the components."""
    found, ours = RunView(console), logging.getLogger("forger")
    level = ours.level
    ours.setLevel(logging.INFO)
    ours.addHandler(found)
    yield found
    ours.removeHandler(found)
    ours.setLevel(level)


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        (Outcome(800, 800, 800), "the training exported the average of the last step, 800"),
        (
            Outcome(800, 800, 800, "whole", 0.25, 0.25),
            "the training exported the average of the last step, 800, at distance 0.25 from the train images",
        ),
        (
            Outcome(600, 8800, 9600, "stopped", 0.2, 2.5),
            "the training exported the best average, of step 600 of 9,600, at distance 0.2 from the train images (2.5 at the "
            "end); stopped at step 8,800, lost for long",
        ),
        (
            Outcome(600, 700, 9600, "broke down", 0.2, 0.2),
            "the training exported the best average, of step 600 of 9,600, at distance 0.2 from the train images; its numbers "
            "broke down by step 700: lower gan.learning_rate or raise gan.gamma",
        ),
    ],
)
def test_status_and_the_end_of_a_run_say_how_the_training_ended(outcome, said, console, tmp_path):
    home = PastHome(tmp_path / "home")
    record = home.add(version=1)
    show_status(collect_status(home.home), console)
    assert "exported" not in console.file.getvalue()
    write_outcome(Path(record.training), outcome)
    known = collect_status(home.home)
    assert Outcome(**known["training"]) == outcome
    wide = Console(file=io.StringIO(), width=300)
    show_status(known, wide)
    show_end(record, wide, 1.0, as_before=False)
    assert lines(wide).count(said) == 2


def lines(console):
    return [" ".join(line.split()) for line in console.file.getvalue().splitlines()]


def test_a_view_is_told_of_nodes_by_the_runner_and_of_progress_by_components(view, console):
    observer: NodeObserver = view
    observer.started("Gate", 9, 11)
    log_note("2 [classes]")
    report_progress("judging", 10, 10, "images", recall=0.5)
    observer.ended(NodeRecord(id="Gate", outcome="cached", seconds=1.25))
    started, noted, progress, ended = lines(console)
    assert (started, noted, ended) == ("9/11 Gate started", "2 [classes]", "Gate cached 1.2 s")
    assert progress.startswith("judging: 10/10 images")
    assert progress.endswith("recall 0.5")


def test_a_plan_has_settings_nodes_and_beams_arguments(console):
    show_plan({"gan": {"seed": 5}}, ("A", "B"), "flink", ["--runner=FlinkRunner", "--x=[1]"], console)
    assert lines(console)[-2:] == ["nodes: A -> B", "Beam on flink: --runner=FlinkRunner --x=[1]"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"state": "blessed", "pushed_version": 3, "pushed_path": "/home/3"}, ["pushed: version 3, /home/3", "forger sample"]),
        ({"state": "blocked", "reason": "mode collapse"}, ["mode collapse", "nothing was pushed", "--set"]),
    ],
)
def test_the_end_says_what_to_type_next(changes, words, console, monkeypatch):
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent))
    show_end(record_of("mnist", **changes), console, 61.4, as_before=False)
    shown = " ".join(lines(console))
    assert "took 61 s" in shown
    assert [word for word in words if word not in shown] == []


def test_the_next_thing_to_type_names_another_dataset(console, monkeypatch):
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent))
    show_end(record_of("folder/flowers", state="blessed", pushed_version=1, pushed_path="/home/1"), console, 1.0, as_before=True)
    assert "forger sample --dataset folder/flowers --out grid.png" in " ".join(lines(console))


def test_a_version_of_an_earlier_run_is_told_as_such(console):
    show_end(record_of("mnist", state="blessed", pushed_version=1, pushed_path="/home/1"), console, 1.0, as_before=True)
    assert "as before: version 1, /home/1" in lines(console)


def test_the_next_thing_to_type_works_without_an_activated_environment(console, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(sys, "argv", [".venv/bin/forger", "run"])
    show_end(record_of("mnist", state="blessed", pushed_version=1, pushed_path="/home/1"), console, 1.0, as_before=False)
    assert "next: .venv/bin/forger sample --out grid.png, or .venv/bin/forger serve" in " ".join(lines(console))


def record_of(dataset: str, **changes) -> RunRecord:
    config = {"data": {"dataset": dataset}}
    return RunRecord(run_id="1", started="", profile="smoke", config=config, pipeline_digest="", training_key="", **changes)
