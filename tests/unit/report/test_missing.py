"""A report of what is not all there: runs that did not finish, and pictures that are lost or damaged."""

from __future__ import annotations

import re
import shutil

import numpy as np
import pytest

from components.gate.drawing.showcase_file import SHOWCASE_FILE
from tests.support.past_home import make_showcase
from tests.unit.report.page_reader import page_of


def test_a_run_without_the_gates_pictures_says_so(past):
    record = past.add("blocked")
    shutil.rmtree(record.training)
    page = page_of(past)
    assert "Refused: mode collapse" in page.text
    assert re.findall(r"(\w[\w ]+): not recorded", page.text) == [
        "Pictures of generated beside real images", "Samples over training", "Loss and accuracy curves", "Nearest train images",
        "Worst and best samples",
    ]  # fmt: skip


def test_a_damaged_showcase_is_not_recorded_rather_than_an_error(past):
    record = past.add(version=1, showcase=make_showcase())
    (past.home.pipeline_root / "Gate" / "evaluation" / "1" / SHOWCASE_FILE).write_bytes(b"PK\x03\x04 cut short")
    assert record.run_id in page_of(past).text


def test_objects_are_never_unpickled(past):
    past.add(version=1, showcase={"candidate": np.array([{"a": 1}], dtype=object)})
    assert "Pictures of generated beside real images: not recorded" in page_of(past).text


@pytest.mark.parametrize(("state", "headline"), [("failed", "Failed"), ("running", "Not finished")])
def test_an_unfinished_run_shows_how_far_its_training_came(past, state, headline):
    past.add(state)
    page = page_of(past)
    assert headline in page.text
    assert "step 800" in page.text
    assert "Thresholds and verdict: not recorded" in page.text


def test_a_run_that_never_trained_shows_no_other_runs_training(past):
    trained = past.add("failed")
    early = trained.model_copy(update={"run_id": "20270101-000000-000000", "reason": "Transform: wrong size", "nodes": []})
    early.save(past.home.runs)
    page = page_of(past)
    assert "Transform: wrong size" in page.text
    assert "Samples over training: not recorded" in page.text
