"""The list of past runs, read from MLMD."""

import io
import json
import shutil
import subprocess
import sys

import pytest
from rich.console import Console

from pipeline.home.history import read_history
from pipeline.home.home import Home
from pipeline.home.lineage import read_runs
from pipeline.terminal.history import show_history
from serving.repository.errors import UserError
from tests.support.past_home import FIGURES, PastHome


@pytest.fixture
def past(tmp_path):
    return PastHome(tmp_path / "home")


def test_runs_come_newest_first_with_what_became_of_them(past):
    ids = [past.add(state, version=version).run_id for state, version in (("blessed", 1), ("blocked", None), ("failed", None))]
    past.add("running")
    runs = read_history(past.home)
    assert [run.run_id for run in runs[1:]] == ids[::-1]
    assert [run.state for run in runs] == ["interrupted", "failed", "blocked", "blessed"]
    assert runs[3].version == 1
    assert runs[3].figures == FIGURES
    assert runs[2].reason.startswith("mode collapse")
    assert runs[1].reason == "GanTrainer: it diverged"
    assert {run.model for run in runs} == {"mnist_gan"}
    assert runs[3].seconds == 300


def test_only_the_newest_unfinished_run_of_a_held_home_is_running(past):
    past.add("running")
    past.add("running")
    with past.home.alone():
        assert [run.state for run in read_history(past.home)] == ["running", "interrupted"]


def test_a_version_is_new_once(past):
    for version in (1, 1, 2, 1):
        past.add(version=version)
    assert [(run.version, run.is_new) for run in read_history(past.home)] == [(1, False), (2, True), (1, False), (1, True)]


def test_mlmd_alone_tells_the_history(past):
    past.add("blocked", properties=True)
    past.add(version=1, properties=True, recorded=False)
    shutil.rmtree(past.home.runs)
    shutil.rmtree(past.home.pipeline_root)
    pushed, refused = read_history(past.home)
    assert (pushed.state, pushed.version, pushed.profile) == ("blessed", 1, "")
    assert (refused.state, refused.reason) == ("blocked", "mode collapse: recall 0.1 is below 0.6")
    assert pushed.figures == refused.figures == FIGURES


def test_a_pruned_evaluation_leaves_figures_out(past):
    past.add("blocked", recorded=False)
    shutil.rmtree(past.home.pipeline_root)
    (run,) = read_history(past.home)
    assert (run.state, run.figures) == ("blocked", {})


def test_a_run_that_failed_before_its_first_node_is_listed(past):
    record = past.add(version=1)
    early = record.model_copy(
        update={"run_id": "20270101-000000-000000", "started": "2027-01-01T00:00:00+00:00", "state": "failed"}
    )
    early.save(past.home.runs)
    assert [run.state for run in read_history(past.home)] == ["failed", "blessed"]


def test_a_cached_node_names_the_run_that_did_the_work(past):
    first = past.add(version=1)
    past.add(version=1, cached_from=first.run_id)
    newest, oldest = read_runs(past.home)
    assert [(node.outcome, node.made_in) for node in newest.nodes if node.id == "Gate"] == [("cached", first.run_id)]
    assert newest.output("Gate", "evaluation").id == oldest.output("Gate", "evaluation").id


def test_an_unreadable_store_is_one_line(tmp_path):
    past = PastHome(tmp_path)
    past.home.metadata.write_bytes(b"not a database" * 1000)
    with pytest.raises(UserError, match="can't be read"):
        read_history(past.home)


def test_the_table_fits_a_terminal(past):
    past.add(version=1)
    past.add(version=1)
    past.add("blocked")
    console = Console(file=io.StringIO(), width=80)
    show_history(read_history(past.home), console)
    shown = console.file.getvalue()
    header, refused, *_ = lines = [line.rstrip() for line in shown.splitlines()]
    assert header.split() == ["run", "profile", "FD/floor", "recall", "prec.", "labels", "time", "verdict"]
    assert refused.split()[:8] == ["20260101-000003", "quick", "2.5", "0.75", "0.7", "0.97", "300", "s"]
    assert "refused: mode" in refused
    assert lines[-2].endswith("as before v1")
    assert lines[-1].endswith("pushed v1")
    assert max(map(len, lines)) <= 80


def test_an_empty_home_has_no_history_and_none_is_made(tmp_path):
    assert read_history(Home.at(tmp_path / "home")) == []
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("arguments", [["history", "--json"], ["report"]])
def test_neither_history_nor_report_waits_for_tensorflow(past, arguments):
    past.add(version=1)
    code = (
        "import sys\nfrom pipeline.cli import main\n"
        f"sys.argv = ['forger', *{arguments!r}, '--home', {str(past.home.path)!r}]\n"
        "main()\nheavy = {'tensorflow', 'tfx', 'apache_beam'} & set(sys.modules)\nassert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    if "--json" in arguments:
        assert [run["version"] for run in json.loads(done.stdout)] == [1]
    else:
        assert done.stdout.startswith("report: ")
