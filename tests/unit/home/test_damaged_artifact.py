"""An artifact that can't be read is named with what makes it anew."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from components.judge.features import load_record
from pipeline.home.damaged import naming_damaged_artifact
from serving.repository.errors import UserError


@pytest.fixture
def artifact(tmp_path):
    path = tmp_path / "pipeline_root" / "JudgeTrainer" / "model" / "6"
    (path / "Format-Serving").mkdir(parents=True)
    return path


def by_numpy(artifact):
    np.load(artifact / "Format-Serving" / "reference.npz")


def by_the_judge(artifact):
    load_record(artifact)


def by_tensorflow(artifact):
    tf.saved_model.load(str(artifact / "Format-Serving"))


def by_records(artifact):
    damaged = artifact / "data.gz"
    damaged.write_bytes(b"no records")
    try:
        next(iter(tf.data.TFRecordDataset(str(damaged), "GZIP")))
    except tf.errors.OpError as error:
        raise RuntimeError(f"{damaged}: unreadable") from error


@pytest.mark.parametrize("read", [by_numpy, by_the_judge, by_tensorflow, by_records])
def test_what_to_delete_is_named(artifact, read):
    with pytest.raises(UserError) as raised, naming_damaged_artifact(artifact.parents[2], "Gate"):
        read(artifact)
    line = str(raised.value)
    assert line.endswith(f"; if {artifact} is damaged, delete it: the next `forger run` makes it anew")
    assert "\n" not in line


def test_a_nodes_own_output_and_what_is_gone_are_not_blamed(artifact):
    for path in (artifact.parents[2] / "Gate" / "evaluation" / "7" / "x", artifact.with_name("8") / "x"):
        with pytest.raises(FileNotFoundError), naming_damaged_artifact(artifact.parents[2], "Gate"):
            path.read_text()
