"""A rollback or promotion that is killed at any step has either happened or not; another one then does."""

import os
import shutil

import pytest

from components.push.layout import push_model
from serving.repository.labels import Served, promote, roll_back, served
from serving.repository.manifest import file_digests
from tests.support.killed_push import die_at
from tests.support.tiny_generator import build_tiny_generator


@pytest.fixture(scope="module")
def serving(tmp_path_factory):
    """Versions 1 to 3, and 4 as the canary."""
    root = tmp_path_factory.mktemp("root")
    models = [build_tiny_generator(root / str(index), scale=1.0 + index, training_key=str(index)) for index in range(2)]
    for turn in range(4):
        push_model(models[turn % 2], root / "serving" / "m", run_id="r", verdict={}, keep_versions=9, canary=turn == 3)
    return root / "serving"


@pytest.mark.parametrize(
    ("change", "after"),
    [
        (roll_back, Served(stable=3, previous=2)),
        (lambda base: roll_back(base, 1), Served(stable=1)),
        (promote, Served(stable=4, previous=3)),
    ],
    ids=["withdraw", "roll back", "promote"],
)
def test_kill_at_every_step(serving, tmp_path, change, after):
    before = Served(stable=3, previous=2, canary=4)
    whole = {version: file_digests(serving / "m" / str(version)) for version in (1, 2, 3, 4)}
    outcomes, step, died = set(), 0, True
    while died:
        step += 1
        copy = tmp_path / str(step)
        shutil.copytree(serving, copy)
        child = os.fork()
        if child == 0:
            die_at(step)
            change(copy / "m")
            os._exit(0)
        _, status = os.waitpid(child, 0)
        died = os.WIFSIGNALED(status)
        now = served(copy / "m")
        assert now in (before, after), step
        outcomes.add(now)
        assert {version: file_digests(copy / "m" / str(version)) for version in whole} == whole
        if now == before:
            assert change(copy / "m") == served(copy / "m") == after
        shutil.rmtree(copy)
    assert outcomes == {before, after}
    assert step > 8
