"""A push that is killed at any step leaves what is served untouched, and the next push mends the rest."""

import json
import shutil
import subprocess
import sys

import pytest

from components.push.layout import push_model
from serving.repository.manifest import file_digests
from tests.support.tiny_generator import build_tiny_generator


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    root = tmp_path_factory.mktemp("models")
    return [build_tiny_generator(root / str(index), scale=1.0 + index, training_key=str(index)) for index in range(3)]


@pytest.mark.parametrize("already", [0, 2])
def test_kill_at_every_step(models, tmp_path, already):
    keep, base = 2, tmp_path / "serving" / "m"
    base.mkdir(parents=True)
    for model in models[:already]:
        push_model(model, base, run_id="before", verdict={}, keep_versions=keep)
    whole = {str(version): file_digests(base / str(version)) for version in range(1, already + 1)}
    command = [sys.executable, "-m", "tests.support.killed_push", models[2], base.parent, tmp_path / "copy", str(keep)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    tries = [json.loads(line) for line in output.splitlines()]
    assert len(tries) > 40
    assert [one["died"] for one in tries] == [True] * (len(tries) - 1) + [False]
    assert tries[-1]["status"] == 0
    new, before, outcomes, releases = already + 1, list(range(1, already + 1)), set(), set()
    after = [*before, new][-keep:]
    digests = tries[-1]["killed"]["digests"]
    for one in tries:
        killed, mended = one["killed"], one["next"]
        # Nothing but whole versions is ever seen: the old ones as they were, or the new one complete beside them.
        assert killed["whole"], one
        assert killed["directories"] == killed["versions"], one
        assert killed["versions"] in (before, [*before, new], after), one
        for version in killed["versions"]:
            expected = digests[str(new)] if version == new else whole[str(version)]
            assert killed["digests"][str(version)] == expected, one
        outcomes.add(tuple(killed["versions"]))
        # What is served is what was, or the new version, or nothing where there was nothing; its labels never point to nothing.
        assert killed["labels"].get("stable") in ({already, new} if already else {None, new}), one
        assert set(killed["labels"].values()) <= set(killed["versions"]), one
        releases.add(killed["labels"].get("stable"))
        # The next push: one version of this model, numbers only grow, nothing left over.
        assert one["is_new"] == (new not in killed["versions"]), one
        assert one["version"] >= new, one
        assert mended["versions"] == [*before, one["version"]][-keep:], one
        assert mended["whole"], one
        assert mended["hidden"] == [".high-water", ".push.lock"], one
        assert mended["beside"] == [".models.lock", "m", "models.config"], one
        previous = {"previous": already} if already else {}
        assert mended["labels"] in ({"stable": one["version"], **previous},), one
    assert {tuple(before), tuple(after)} <= outcomes
    assert releases == {already or None, new}
    shutil.rmtree(tmp_path / "copy")
