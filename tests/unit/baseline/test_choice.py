import json

import pytest
from tfx.types import standard_artifacts

from components.baseline.choice import choose_baseline
from components.baseline.component import Baseline
from components.baseline.executor import Executor
from serving.repository import contract
from serving.repository.labels import promote, release, roll_back


def push(base, version, training_key, verdict=None):
    """Lay a version down as a push does, as far as the choice of a baseline looks."""
    directory = base / str(version)
    (directory / contract.ASSETS_EXTRA).mkdir(parents=True)
    (directory / contract.SAVED_MODEL_FILE).write_bytes(b"model %d" % version)
    metadata = {contract.META_TRAINING_KEY: training_key}
    if verdict is not None:
        metadata[contract.META_GATE] = verdict
    (directory / contract.METADATA_FILE).write_text(json.dumps(metadata), "utf-8")


def judged(choice):
    """The part of a verdict that says what was served when it was made."""
    return {"served_version": choice[0], "served_digest": choice[1]}


def test_nothing_served_nothing_compared(tmp_path):
    assert choose_baseline(tmp_path / "missing", "a") == ("", "")


def test_a_new_model_is_compared_with_the_newest(tmp_path):
    push(tmp_path, 1, "a", judged(("", "")))
    push(tmp_path, 2, "b", judged(("1", "x")))
    version, digest = choose_baseline(tmp_path, "c")
    assert version == "2"
    assert len(digest) == 64
    (tmp_path / "2" / contract.METADATA_FILE).write_text(json.dumps({contract.META_TRAINING_KEY: "z"}), "utf-8")
    assert choose_baseline(tmp_path, "c") != (version, digest)


def test_after_a_rollback_the_comparison_is_with_what_is_served(tmp_path):
    base = tmp_path / "m"
    for version, key in enumerate("abc", start=1):
        push(base, version, key, judged((str(version - 1), "x")))
    roll_back(base, 1)
    assert choose_baseline(base, "d")[0] == "1"
    assert choose_baseline(base, "c")[0] == "1"  # pushed and left again: judged anew
    assert choose_baseline(base, "a") == ("0", "x")


def test_a_canary_is_no_baseline(tmp_path):
    base = tmp_path / "m"
    push(base, 1, "a", judged(("", "")))
    push(base, 2, "b", judged(("1", "x")))
    release(base, 2, canary=True)
    version, digest = choose_baseline(base, "c")
    assert version == "1"
    assert choose_baseline(base, "b") == (version, digest)
    promote(base)
    assert choose_baseline(base, "c")[0] == "2"


def test_an_unchanged_rerun_chooses_the_same_again(tmp_path):
    first = choose_baseline(tmp_path, "a")
    push(tmp_path, 1, "a", judged(first))
    assert choose_baseline(tmp_path, "a") == first == ("", "")
    second = choose_baseline(tmp_path, "b")
    push(tmp_path, 2, "b", judged(second))
    assert second[0] == "1"
    assert choose_baseline(tmp_path, "b") == second


def test_also_where_the_old_baseline_was_pruned(tmp_path):
    push(tmp_path, 2, "b", judged(("1", "x")))
    assert choose_baseline(tmp_path, "b") == ("1", "x")


def test_going_back_to_an_older_model_is_compared_with_the_newest(tmp_path):
    push(tmp_path, 1, "a", judged(("", "")))
    push(tmp_path, 2, "b", judged(("1", "x")))
    assert choose_baseline(tmp_path, "a")[0] == "2"


@pytest.mark.parametrize("verdict", [None, {}, "text", {"baseline_version": 1}])
def test_a_pushed_model_that_does_not_say_is_never_compared_with_itself(tmp_path, verdict):
    push(tmp_path, 5, "a", verdict)
    assert choose_baseline(tmp_path, "a") == ("", "")
    push(tmp_path, 4, "b")
    assert choose_baseline(tmp_path, "a")[0] == "4"


def test_broken_metadata_is_another_model(tmp_path):
    push(tmp_path, 1, "a")
    (tmp_path / "1" / contract.METADATA_FILE).write_text("{", "utf-8")
    assert choose_baseline(tmp_path, "a")[0] == "1"


def run(tmp_path, base, version, training_key="c", digest="d"):
    component = Baseline(serving_base=str(base), training_key=training_key, version=version, version_digest=digest)
    artifact = standard_artifacts.Model()
    artifact.uri = str(tmp_path / "artifact")
    Executor(None).Do({}, {"baseline": [artifact]}, component.exec_properties)
    return artifact


def test_the_component_copies_the_version(tmp_path):
    push(tmp_path / "base", 7, "a")
    artifact = run(tmp_path, tmp_path / "base", "7")
    assert (tmp_path / "artifact" / "Format-Serving" / contract.SAVED_MODEL_FILE).read_bytes() == b"model 7"
    assert artifact.get_int_custom_property("empty") == 0
    assert artifact.get_string_custom_property("version") == "7"
    assert artifact.get_string_custom_property("version_digest") == "d"


def test_the_component_marks_an_empty_artifact(tmp_path):
    artifact = run(tmp_path, tmp_path / "base", "")
    assert artifact.get_int_custom_property("empty") == 1
    assert not (tmp_path / "artifact" / "Format-Serving").exists()


def test_a_pruned_version_is_replaced_by_the_newest_other_model(tmp_path):
    push(tmp_path / "base", 8, "c")
    assert run(tmp_path, tmp_path / "base", "7").get_int_custom_property("empty") == 1
    push(tmp_path / "base", 9, "a")
    assert run(tmp_path, tmp_path / "base", "7").get_string_custom_property("version") == "9"
