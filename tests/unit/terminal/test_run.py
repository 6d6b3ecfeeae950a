"""What a person sees of a run."""

import io
import logging

import pytest
from rich.console import Console

from components.progress import log_note, report_progress
from pipeline.home.run_record import NodeRecord, RunRecord
from pipeline.runner.local import NodeObserver
from pipeline.terminal.run import RunView, show_end, show_plan


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
def test_the_end_says_what_to_type_next(changes, words, console):
    show_end(record_of("mnist", **changes), console, 61.4, as_before=False)
    shown = " ".join(lines(console))
    assert "took 61 s" in shown
    assert [word for word in words if word not in shown] == []


def test_the_next_thing_to_type_names_another_dataset(console):
    show_end(record_of("folder/flowers", state="blessed", pushed_version=1, pushed_path="/home/1"), console, 1.0, as_before=True)
    assert "forger sample --dataset folder/flowers --out grid.png" in " ".join(lines(console))


def test_a_version_of_an_earlier_run_is_told_as_such(console):
    show_end(record_of("mnist", state="blessed", pushed_version=1, pushed_path="/home/1"), console, 1.0, as_before=True)
    assert "as before: version 1, /home/1" in lines(console)


def record_of(dataset: str, **changes) -> RunRecord:
    config = {"data": {"dataset": dataset}}
    return RunRecord(run_id="1", started="", profile="smoke", config=config, pipeline_digest="", training_key="", **changes)
