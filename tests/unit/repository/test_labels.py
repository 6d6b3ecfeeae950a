"""Which versions are served after pushes, rollbacks and promotions."""

import fcntl
import shutil

import pytest
from google.protobuf import text_format
from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

from components.push.layout import push_model
from serving.repository import contract
from serving.repository.errors import UserError
from serving.repository.labels import RELEASING, Served, promote, roll_back, served
from serving.repository.layout import version_directories


@pytest.fixture
def base(tmp_path):
    return tmp_path / "serving" / "tiny_gan"


@pytest.fixture
def push(tiny, other, base):
    """Push the two models in turn, so that every push is a new version."""
    models = [tiny, other]

    def pushed(times=1, *, keep=5, canary=False):
        for _ in range(times):
            models.reverse()
            version = push_model(models[0], base, run_id="r", verdict={}, keep_versions=keep, canary=canary).version
        return version

    return pushed


def _config(base):
    text = (base.parent / contract.MODELS_CONFIG_FILE).read_text()
    return text_format.Parse(text, ModelServerConfig()).model_config_list.config


def test_a_push_is_released_as_tensorflow_serving_reads_it(push, base):
    push()
    assert served(base) == Served(stable=1)
    push()
    assert served(base) == Served(stable=2, previous=1)
    (entry,) = _config(base)
    assert (entry.name, entry.base_path, entry.model_platform) == ("tiny_gan", str(base), "tensorflow")
    assert list(entry.model_version_policy.specific.versions) == [1, 2]
    assert dict(entry.version_labels) == {"stable": 2, "previous": 1}


def test_a_rollback_goes_one_back_each_time_and_holds_until_the_next_push(push, base):
    push(3)
    assert roll_back(base) == served(base) == Served(stable=2)
    # The version that was left is not loaded: it would get every request without a label.
    assert list(_config(base)[0].model_version_policy.specific.versions) == [2]
    assert roll_back(base) == Served(stable=1)
    with pytest.raises(UserError, match=r"no version before 1 .*forger run"):
        roll_back(base)
    push()
    assert served(base) == Served(stable=4, previous=1)


@pytest.mark.parametrize("withdrawn", [False, True])
def test_a_rollback_never_goes_back_to_what_was_left(push, base, tiny, other, withdrawn):
    """The highest lower number may be a version that was rolled back from, or a canary that was withdrawn."""
    models = [tiny, other]

    def judged(canary=False):
        models.reverse()
        verdict = {contract.GATE_SERVED_VERSION: str(served(base).stable or "")}
        return push_model(models[0], base, run_id="r", verdict=verdict, keep_versions=9, canary=canary).version

    assert [judged(), judged(canary=withdrawn)] == [1, 2]
    assert roll_back(base) == Served(stable=1)
    assert [judged(), judged()] == [3, 4]
    assert roll_back(base) == Served(stable=3)
    assert roll_back(base) == Served(stable=1)
    with pytest.raises(UserError, match="no version before 1"):
        roll_back(base)


def test_a_promotion_is_not_undone_by_what_a_killed_push_left(push, base):
    push()
    version = push(canary=True)
    (base / RELEASING).write_text(f"{version} {contract.LABEL_CANARY}\n")
    assert promote(base) == Served(stable=2, previous=1)
    push()
    assert served(base) == Served(stable=3, previous=2)


def test_a_rollback_to_a_version_forwards_or_backwards(push, base):
    push(4)
    assert roll_back(base, 2) == Served(stable=2)
    assert roll_back(base, 4) == Served(stable=4, previous=2)
    assert roll_back(base, 3) == Served(stable=3, previous=2)
    assert roll_back(base, 1) == Served(stable=1)
    with pytest.raises(UserError, match=r"version 9 is not in .*choose one of 1, 2, 3, 4"):
        roll_back(base, 9)


def test_the_model_that_was_rolled_back_from_is_not_pushed_again(push, base, tiny, other):
    push(2)
    roll_back(base)
    again = push_model(tiny, base, run_id="r", verdict={}, keep_versions=5)
    assert (again.version, again.is_new) == (2, False)
    assert served(base).stable == 1


def test_a_damaged_version_is_not_served_again(push, base):
    push(2)
    (base / "1" / contract.SAVED_MODEL_FILE).write_bytes(b"")
    with pytest.raises(UserError, match=r"version 1 is damaged: saved_model.pb differs .*choose another with --to"):
        roll_back(base)
    assert served(base) == Served(stable=2, previous=1)


def test_a_canary_is_promoted_or_withdrawn(push, base):
    push(2)
    push(canary=True)
    assert served(base) == Served(stable=2, previous=1, canary=3)
    assert roll_back(base) == Served(stable=2, previous=1)
    push(canary=True)
    assert promote(base) == served(base) == Served(stable=4, previous=2)
    with pytest.raises(UserError, match=r"no canary .*push.canary=true"):
        promote(base)


def test_a_push_replaces_the_canary(push, base):
    push(2)
    push(canary=True)
    push(canary=True)
    assert served(base) == Served(stable=2, previous=1, canary=4)
    push()
    assert served(base) == Served(stable=5, previous=2)


def test_the_first_version_is_stable_even_as_a_canary(push, base):
    push(canary=True)
    assert served(base) == Served(stable=1)


def test_retention_spares_what_is_served(push, base):
    push(2)
    roll_back(base, 1)
    push(3, keep=2, canary=True)
    assert version_directories(base) == [1, 4, 5]  # 1 is stable
    push(keep=2)
    assert served(base) == Served(stable=6, previous=1)
    assert version_directories(base) == [1, 5, 6]
    push(keep=1)
    assert served(base) == Served(stable=7)
    assert version_directories(base) == [7]


def test_deleted_versions_lose_their_labels(push, base):
    push(3)
    shutil.rmtree(base / "3")
    assert served(base) == Served(stable=2)
    shutil.rmtree(base / "2")
    assert served(base) == Served(stable=1)


def test_other_models_and_what_was_changed_by_hand_are_kept(push, base):
    push()
    path = base.parent / contract.MODELS_CONFIG_FILE
    config = text_format.Parse(path.read_text(), ModelServerConfig())
    config.model_config_list.config[0].base_path = "/models/tiny_gan"
    config.model_config_list.config.add(name="else", base_path="/else", model_platform="tensorflow").version_labels["a"] = 7
    path.write_text(text_format.MessageToString(config))
    push()
    mine, foreign = _config(base)
    assert (mine.base_path, dict(mine.version_labels)) == ("/models/tiny_gan", {"stable": 2, "previous": 1})
    assert foreign == config.model_config_list.config[1]


def test_without_models_config_the_newest_is_served(push, base):
    push(2)
    (base.parent / contract.MODELS_CONFIG_FILE).unlink()
    assert served(base) == Served(stable=2)
    assert roll_back(base) == Served(stable=1)
    assert served(base.parent / "missing") == Served()


def test_what_cannot_be_rolled_back_is_one_line(push, base):
    with pytest.raises(UserError, match=r"no version is pushed in .*forger run"):
        roll_back(base)
    push(2)
    with (base / ".push.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(UserError, match="another push or rollback"):
            roll_back(base)
    assert served(base).stable == 2
