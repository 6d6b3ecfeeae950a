"""The record of a run whose gate came from the cache, or whose pictures can't be drawn."""

from __future__ import annotations

from pathlib import Path

import pytest
from tfx.types import standard_artifacts

from components.gan.training.journal_files import SAMPLES_DIR
from components.gate.verdict.verdict import Verdict
from pipeline.runner.conclude import conclude
from tests.support.past_home import PastHome


@pytest.fixture
def ended(tmp_path):
    """A run's record, and its outputs as MLMD has them: in this home, where the cached verdict names another."""
    past = PastHome(tmp_path / "home")
    record = past.add(version=1)
    outputs = {
        f"{node}.{key}": standard_artifacts.Model().mlmd_artifact
        for node, key in (
            ("Transform", "transformed_examples"),
            ("JudgeTrainer", "model"),
            ("GateCalibrator", "calibration"),
            ("GanTrainer", "model_run"),
            ("Gate", "evaluation"),
            ("GeneratorPusher", "pushed_model"),
        )
    }
    for name, artifact in outputs.items():
        artifact.uri = str(tmp_path / "home" / name)
        Path(artifact.uri).mkdir(parents=True)
    verdict = Verdict(blessed=True, reason="all passed", judge={"path": "/old/judge", "digest": "b"})
    verdict.calibration, verdict.examples_path = {"path": "/old/calibration", "images": 9}, "/old/examples"
    verdict.save(outputs["Gate.evaluation"].uri)
    pushed = outputs["GeneratorPusher.pushed_model"].custom_properties
    pushed["pushed"].int_value, pushed["pushed_version"].string_value = 1, "1"
    pushed["pushed_destination"].string_value = str(past.home.model_base("mnist") / "1")
    return record.model_copy(update={"state": "running", "pushed_version": None}), outputs, past.home


def test_a_cached_verdict_names_what_is_in_this_home(ended):
    record, outputs, home = ended
    conclude(record, outputs, home)
    assert record.verdict["judge"] == {"path": outputs["JudgeTrainer.model"].uri, "digest": "b"}
    assert record.verdict["calibration"] == {"path": outputs["GateCalibrator.calibration"].uri, "images": 9}
    assert record.verdict["examples_path"] == outputs["Transform.transformed_examples"].uri
    assert (record.state, record.pushed_version) == ("blessed", 1)


def test_a_picture_that_cannot_be_drawn_does_not_undo_a_push(ended, caplog):
    record, outputs, home = ended
    samples = Path(outputs["GanTrainer.model_run"].uri) / SAMPLES_DIR
    samples.mkdir()
    (samples / "step_0000012.png").write_bytes(b"no picture")
    with caplog.at_level("INFO", "forger.progress"):
        conclude(record, outputs, home)
    assert (record.state, record.pushed_version, record.pictures) == ("blessed", 1, {})
    assert "no pictures of this run" in caplog.text
