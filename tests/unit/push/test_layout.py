"""The serving directory after a push."""

import fcntl
import json
import shutil
from functools import partial

import pytest

from components.baseline.choice import choose_baseline, metadata_digest
from components.push.layout import Pushed, push_model, weights_digest
from serving.repository import contract
from serving.repository.errors import UserError
from serving.repository.labels import roll_back
from serving.repository.layout import list_versions, version_directories
from serving.repository.manifest import manifest_problem
from serving.saved_model.generator import LocalGenerator
from tests.support.tiny_generator import build_tiny_generator

_VERDICT = {"blessed": True, "baseline_version": None}


def _push(model, base, keep=5, run_id="run"):
    return push_model(model, base, run_id=run_id, verdict=_VERDICT, keep_versions=keep)


def _hidden(base):
    return sorted(child.name for child in base.iterdir() if not child.name.isdecimal())


@pytest.fixture
def base(tmp_path):
    """The model base directory; models.config lies beside it."""
    (tmp_path / "serving" / "tiny").mkdir(parents=True)
    return tmp_path / "serving" / "tiny"


def test_a_push_is_the_model_with_verdict_run_and_manifest(tiny, tmp_path):
    base = tmp_path / "serving" / "tiny"  # made by the push
    assert _push(tiny, base) == Pushed(1, base / "1", is_new=True)
    pushed = base / "1"
    metadata = json.loads((pushed / contract.METADATA_FILE).read_text())
    trained = json.loads((tiny / contract.METADATA_FILE).read_text())
    assert metadata == {**trained, contract.META_RUN_ID: "run", contract.META_GATE: _VERDICT}
    manifest = json.loads((pushed / contract.MANIFEST_FILE).read_text())
    assert set(manifest) == {path.relative_to(tiny).as_posix() for path in tiny.rglob("*") if path.is_file()}
    assert manifest_problem(pushed) is None
    assert weights_digest(pushed) == weights_digest(tiny) != weights_digest(build_tiny_generator(tmp_path / "m", scale=2.0))
    assert LocalGenerator(base).sample([1], [4])[1].tolist() == [4]
    assert _hidden(base) == [".high-water", ".push.lock"]


def test_the_very_same_model_is_not_pushed_again(tiny, other, base):
    _push(tiny, base)
    assert _push(tiny, base, run_id="later") == Pushed(1, base / "1", is_new=False)
    assert list_versions(base) == [1]
    _push(other, base)
    # An older version is not what is served: the model has to become the newest again.
    assert _push(tiny, base) == Pushed(3, base / "3", is_new=True)


def test_other_weights_or_another_training_key_are_another_model(tiny, base, tmp_path):
    _push(tiny, base)
    assert _push(build_tiny_generator(tmp_path / "weights", scale=0.5), base).version == 2
    assert _push(build_tiny_generator(tmp_path / "key", scale=0.5, training_key="K"), base).version == 3


@pytest.mark.parametrize(
    "damage",
    [
        lambda version: (version / contract.SAVED_MODEL_FILE).write_bytes(b""),
        lambda version: (version / contract.MANIFEST_FILE).unlink(),
        lambda version: (version / contract.METADATA_FILE).write_text("[]"),
        lambda version: shutil.rmtree(version / contract.ASSETS_EXTRA),
    ],
)
def test_a_damaged_version_of_the_same_model_is_replaced_by_a_new_one(tiny, base, damage):
    _push(tiny, base)
    damage(base / "1")
    assert _push(tiny, base) == Pushed(2, base / "2", is_new=True)


def test_versions_only_grow(tiny, other, base):
    (base / "7").mkdir()
    assert _push(tiny, base).version == 8
    shutil.rmtree(base / "8")
    assert _push(other, base).version == 9


def test_old_versions_are_pruned_but_never_the_newest(tiny, other, base):
    for turn in range(5):
        _push((tiny, other)[turn % 2], base, keep=2)
    assert version_directories(base) == [4, 5]
    (base / "6").mkdir()  # half a version: neither counted nor touched
    _push(other, base, keep=1)
    assert version_directories(base) == [7]


def test_a_push_that_changes_nothing_still_prunes(tiny, other, base):
    for turn in range(3):
        _push((tiny, other)[turn % 2], base)
    assert _push(tiny, base, keep=1) == Pushed(3, base / "3", is_new=False)
    assert version_directories(base) == [3]


def test_leftovers_of_a_killed_push_are_removed(tiny, base):
    for name in (".staging-1", ".pruned-0"):
        (base / name / "deep").mkdir(parents=True)
    _push(tiny, base)
    assert _hidden(base) == [".high-water", ".push.lock"]


def test_two_pushes_at_once(tiny, base):
    with (base / ".push.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(UserError, match="another push"):
            _push(tiny, base)
    assert _push(tiny, base).version == 1


def test_what_was_not_compared_with_what_is_served_is_not_pushed(tiny, other, base, tmp_path):
    """Another run may have pushed since the gate looked, or a user rolled back."""
    push = partial(push_model, base=base, run_id="run", verdict=_VERDICT, keep_versions=2)
    nothing = choose_baseline(base, "key")
    assert push(tiny, compared=nothing).version == 1
    with pytest.raises(UserError, match=r"changed during this run \(the gate compared with nothing, now it would be version 1\)"):
        push(other, compared=nothing)
    assert version_directories(base) == [1]
    assert push(tiny, compared=nothing) == Pushed(1, base / "1", is_new=False)  # a retry of the push itself
    with_first = choose_baseline(base, "other")
    assert push(other, compared=with_first).version == 2
    roll_back(base, 1)
    third = build_tiny_generator(tmp_path / "third", scale=0.3, training_key="third")
    with pytest.raises(UserError, match=r"compared with version 2, now it would be version 1\)"):
        push(third, compared=("2", metadata_digest(base, 2)))
    assert push(third, compared=with_first).version == 3


def test_what_cannot_be_pushed_is_one_line(tiny, base, tmp_path):
    with pytest.raises(UserError, match=r"cannot push .*train it again"):
        _push(tmp_path, base)
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"cannot push to .*permissions"):
        _push(tiny, tmp_path / "file" / "base")
    (base / ".high-water").write_text("many")
    with pytest.raises(UserError, match=r"\.high-water holds no version number"):
        _push(tiny, base)
    (base.parent / contract.MODELS_CONFIG_FILE).write_text("model_config_list {")
    with pytest.raises(UserError, match=r"models\.config is not a ModelServerConfig .*mend it, or delete it"):
        _push(tiny, base)
    assert version_directories(base) == []


def test_a_full_disk_leaves_no_half_version(tiny, other, base, monkeypatch):
    from serving.repository import durable

    _push(tiny, base)

    def full(path, content):
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(durable, "write_file", full)
    with pytest.raises(UserError, match="No space left on device"):
        _push(other, base)
    assert _hidden(base) == [".high-water", ".push.lock"]
    assert version_directories(base) == [1]
