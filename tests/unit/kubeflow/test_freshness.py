"""What is in KFP's cache and gone from the bucket: seen by the step that needs it, made anew by the run after it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.home.home import Home
from pipeline.kubeflow.freshness import check_inputs, current_epoch
from serving.repository.errors import UserError


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home, made."""
    (tmp_path / "home").mkdir()
    return Home.at(tmp_path / "home")


def _input(directory: Path, written: float | None) -> dict:
    metadata = {} if written is None else {"files": written}
    artifact = {"uri": "s3://b/examples", "customPath": str(directory), "metadata": metadata}
    return {"inputs": {"artifacts": {"examples": {"artifacts": [artifact]}}}}


@pytest.mark.parametrize(("written", "there"), [(2.0, 2), (0, 0), (None, 0)])  # a Baseline without a version has no file
def test_what_is_whole_is_taken(home: Home, tmp_path: Path, written: float | None, there: int) -> None:
    for number in range(there):
        (tmp_path / "in" / str(number)).mkdir(parents=True)
        (tmp_path / "in" / str(number) / "data").touch()
    check_inputs(_input(tmp_path / "in", written), home)
    assert not home.kubeflow.exists()


def test_what_is_gone_is_named_and_made_anew_once(home: Home, tmp_path: Path) -> None:
    assert current_epoch(home, renew=False, max_days=0) == ""
    with pytest.raises(
        UserError, match=r"only 0 of 2 files of examples are left in s3://b/examples.* the next run makes"
    ) as error:
        check_inputs(_input(tmp_path / "in", 2.0), home)
    assert "\n" not in str(error.value)
    epoch = current_epoch(home, renew=False, max_days=0)
    assert epoch and current_epoch(home, renew=False, max_days=0) == epoch


def test_without_a_home_the_mend_is_the_command(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="forger kubeflow submit --no-cache"):
        check_inputs(_input(tmp_path / "in", 1), Home.at(tmp_path / "not mounted"))


def test_an_epoch_ends_when_asked_and_with_its_age(home: Home) -> None:
    first = current_epoch(home, renew=True, max_days=0)
    second = current_epoch(home, renew=True, max_days=0)
    assert first and second and first != second
    assert current_epoch(home, renew=False, max_days=1) == second
    assert current_epoch(home, renew=False, max_days=1e-9) != second


@pytest.mark.parametrize("content", ["", "{}", "null", '{"epoch": "x", "since": "never"}'])
def test_a_damaged_record_is_a_new_beginning(home: Home, content: str) -> None:
    home.kubeflow.mkdir()
    (home.kubeflow / "epoch.json").write_text(content)
    assert current_epoch(home, renew=False, max_days=30) == ""
