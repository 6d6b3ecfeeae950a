"""What was pushed once and can't be served is pushed again, whatever the cache says."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pipeline.runner.local import _push_is_lost
from tests.support.past_home import PastHome
from tests.support.pushed_versions import push_tiny


@pytest.fixture
def past(tmp_path):
    past = PastHome(tmp_path / "home")
    version = push_tiny(past.home.serving, tmp_path, scale=1.0, recall=0.8)
    record = past.add(version=version)
    record.pushed_path = str(past.home.model_base("mnist") / str(version))
    record.save(past.home.runs)
    return past.home, record


def test_a_whole_version_is_not_lost(past):
    home, record = past
    assert not _push_is_lost(record, home)


@pytest.mark.parametrize("damage", ["gone", "cut short", "a file missing"])
def test_a_version_that_is_gone_or_damaged_is_lost(past, damage):
    home, record = past
    version = Path(record.pushed_path)
    weights = next((version / "variables").glob("*.data*"))
    if damage == "gone":
        shutil.rmtree(version)
    elif damage == "cut short":
        weights.write_bytes(weights.read_bytes()[:10])
    else:
        weights.unlink()
    assert _push_is_lost(record, home)


def test_a_model_that_was_never_pushed_is_not_lost(past):
    home, record = past
    assert not _push_is_lost(record.model_copy(update={"training_key": "another"}), home)
