"""Who writes what a training leaves: one truth for the training and for the step that hands it over."""

import json
import os

import pytest

from components.gan.training.checkpoints import working_directory
from components.gan.training.workers import is_chief, worker_count
from serving.repository.errors import UserError


@pytest.mark.parametrize(
    ("config", "count", "chief"),
    [
        (None, 0, True),
        ({}, 0, True),
        ({"cluster": {"chief": ["a:1"], "worker": ["b:1"]}, "task": {"type": "chief", "index": 0}}, 2, True),
        ({"cluster": {"chief": ["a:1"], "worker": ["b:1"]}, "task": {"type": "worker", "index": 0}}, 2, False),
        ({"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 0}}, 2, True),
        ({"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 1}}, 2, False),
    ],
)
def test_the_first_worker_is_chief(config, count, chief, monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    if config is not None:
        monkeypatch.setenv("TF_CONFIG", json.dumps(config))
    assert (worker_count(), is_chief()) == (count, chief)


@pytest.mark.parametrize("text", ["{", "[]", '{"cluster": {"worker": 3}}', '{"task": {"index": "x"}}'])
def test_a_broken_description_is_one_line(text, monkeypatch):
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(UserError, match="TF_CONFIG can't be read"):
        is_chief()


def test_the_first_worker_alone_drops_old_trainings(tmp_path, monkeypatch):
    """All workers come here at the same time, to the same disk."""
    for number in range(6):
        (tmp_path / f"old{number}").mkdir()
        os.utime(tmp_path / f"old{number}", (number, number))
    cluster = {"worker": ["a:1", "b:1"]}
    for index, left in ((1, 6), (0, 3)):
        monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": cluster, "task": {"type": "worker", "index": index}}))
        assert working_directory(tmp_path, "k" * 64) == tmp_path / ("k" * 16)
        assert len(list(tmp_path.glob("old*"))) == left
    assert {path.name for path in tmp_path.glob("old*")} == {"old3", "old4", "old5"}
