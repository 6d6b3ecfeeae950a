"""Who writes what a training leaves: one truth for the training and for the step that hands it over."""

import json

import pytest

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
