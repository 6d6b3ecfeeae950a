"""Runs whose training goes wrong after two thirds of its steps: they push the best of it, and say so."""

import json
import subprocess
import sys

import pytest

from components.gan.training.journal_files import DISTANCE, read_metrics
from components.gan.training.outcome import read_outcome
from serving.repository import contract
from serving.repository.layout import list_versions
from tests.e2e.conftest import FORGER, new_session

TRAINING = {"gan__steps": 300, "gan__checkpoint_every": 40, "gan__sample_every": 100, "gan__looks": 3}


@pytest.fixture(scope="module")
def session(tmp_path_factory, mnist):
    return new_session(tmp_path_factory.mktemp("collapse") / "home", mnist)


def run_with(session, factor: str, **changes) -> subprocess.CompletedProcess:
    """Run the command with rates that are multiplied after step 200."""
    _, *arguments = session.arguments(**TRAINING, **changes)
    command = [sys.executable, "-m", "tests.support.collapsing", factor, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=580, check=False)


def test_a_run_that_collapses_pushes_its_best(session):
    done = run_with(session, "30")
    assert done.returncode == 0, done.stdout + done.stderr
    run = session.status["last_run"]
    directory = session.home / run["training"]
    outcome = read_outcome(directory)
    assert outcome.step in (100, 200)
    assert outcome.last_distance > 2 * outcome.distance
    measured = {line["step"]: line[DISTANCE] for line in read_metrics(directory) if DISTANCE in line}
    assert outcome.distance == measured[outcome.step] == min(measured.values())
    said = f"exported the best average, of step {outcome.step} of 300"
    assert said in " ".join(done.stdout.split())
    assert list_versions(session.base) == [1]
    card = json.loads((session.base / "1" / contract.METADATA_FILE).read_text())
    assert card[contract.META_OUTCOME] == outcome.as_dict() == session.status["training"]
    shown = subprocess.run([FORGER, "status", "--home", str(session.home)], capture_output=True, text=True, check=True).stdout
    assert said in " ".join(shown.split())
    report = (session.home / "reports" / run["run_id"] / "report.html").read_text()
    assert said in report
    assert f"exported is that of step {outcome.step}" in report
    # What is pushed varies as the best did (0.27 here), and does not draw one image again and again.
    diversity = card[contract.META_GATE]["figures"]["diversity"]
    assert diversity > 0.1


def test_a_run_whose_numbers_break_pushes_its_best(session):
    done = run_with(session, "nan", gan__seed=2)
    assert done.returncode == 0, done.stdout + done.stderr
    outcome = session.status["training"]
    assert outcome["ended"] == "broke down"
    assert outcome["step"] in (100, 200)
    assert "its numbers broke down by step 240: lower gan.learning_rate" in " ".join(done.stdout.split())
    assert list_versions(session.base) == [1, 2]
