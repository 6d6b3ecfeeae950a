import pytest

from serving.gallery.model import describe, shown_version


def _version(number: int, *labels: str, state: str = "AVAILABLE", **metadata) -> dict:
    found = {"version": number, "state": state, "failed": False, "labels": list(labels)}
    return {**found, "gate": metadata.get("gate"), "metadata": metadata}


def test_the_stable_version_is_shown_first_not_the_canary() -> None:
    versions = [_version(1, "previous"), _version(2, "stable", dataset="kmnist"), _version(3, "canary", dataset="mnist")]
    found = describe("m", versions, looking=False)
    assert (found["current"], found["previous"], found["dataset"]) == (2, 1, "kmnist")
    assert [one["version"] for one in found["versions"]] == [3, 2, 1]
    assert shown_version(versions, None) == 2
    assert shown_version(versions, 3) == 3


def test_without_labels_the_newest_that_is_loaded_is_shown() -> None:
    versions = [_version(1), _version(2), _version(3, state="LOADING"), _version(4, state="END")]
    found = describe("m", versions, looking=False)
    assert (found["current"], found["previous"]) == (2, 1)
    with pytest.raises(LookupError, match="version 4 is not being served"):
        shown_version(versions, 4)


def test_nothing_served_is_said_so() -> None:
    assert describe("m", [], looking=False)["current"] is None
    with pytest.raises(LookupError, match="no version is being served"):
        shown_version([], None)


def test_what_is_being_loaded_is_said() -> None:
    found = describe("m", [_version(1, state="END"), _version(2, state="LOADING")], looking=True)
    assert (found["current"], found["loading"], found["looking"]) == (None, [2], True)


def test_figures_and_overall_limits_come_from_the_verdict() -> None:
    check = {"metric": "recall", "slice": "", "kind": "min", "limit": 0.6}
    gate = {
        "reason": "all passed",
        "figures": {"recall": 0.75, "examples": 10.0, "fault": 0.0},
        "checks": [check, {**check, "slice": "3"}, {**check, "kind": "change"}],
    }
    (found,) = describe("m", [_version(1, gate=gate, run_id="r", recipe="conv")], looking=False)["versions"]
    assert found["figures"] == {"recall": 0.75}
    assert found["limits"] == [{"metric": "recall", "kind": "min", "limit": 0.6}]
    assert (found["reason"], found["run_id"], found["recipe"]) == ("all passed", "r", "conv")
