"""Plan's look into the bucket, an S3 store that answers over HTTP: what was lost is made anew in the same night."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.ingest.record import PreparedDataset
from pipeline.home.home import Home
from pipeline.kubeflow.freshness import EPOCH, record_made
from pipeline.kubeflow.plan import make_plan, write_plan
from tests.support.kubeflow.s3 import serving_objects

VALUES = {"profile": "smoke", "dataset": "mnist", "seed": 1, "steps": 0, "settings": {}}
TRANSFORM = "tfx.components.transform.executor.Executor"
URI = "minio://artifacts/forger/run/Transform/1/transformed_examples"


@pytest.fixture
def home(tmp_path: Path, mnist: PreparedDataset, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A home with the data."""
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "data").symlink_to(mnist.directory.parents[1], target_is_directory=True)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    return Home.at(tmp_path / "home")


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """The store's directory, with two files of a step."""
    directory = tmp_path / "store" / URI.removeprefix("minio://")
    (directory / "Split-train").mkdir(parents=True)
    (directory / "Split-train" / "data").touch()
    (directory / "Split-eval").touch()
    return tmp_path / "store"


def _made(home: Home, plan: dict[str, dict], tmp_path: Path) -> None:
    """Let a step write down what it left, with the properties that the launcher hands it."""
    import json

    write_plan(str(tmp_path / "plan.json"), plan)
    properties = json.loads((tmp_path / "plan.json").read_text())["parameterValues"]["Transform"]
    record_made(home, TRANSFORM, properties, {URI: 2})


def test_what_is_there_stays_cached_and_what_is_gone_is_made_anew(home: Home, store: Path, tmp_path: Path) -> None:
    with serving_objects(store) as endpoint:
        first = make_plan(VALUES, home, look=endpoint)
        assert EPOCH not in first["Transform"]
        _made(home, first, tmp_path)
        assert make_plan(VALUES, home, look=endpoint) == first

        (store / URI.removeprefix("minio://") / "Split-eval").unlink()
        anew = make_plan(VALUES, home, look=endpoint)
        assert {step for step, properties in anew.items() if properties.get(EPOCH)} == set(first)
        assert make_plan(VALUES, home, look=endpoint) == anew  # once


def test_a_store_that_refuses_stops_no_run(home: Home, store: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    first = make_plan(VALUES, home)
    _made(home, first, tmp_path)
    with serving_objects(store, forbidden=True) as endpoint:
        assert make_plan(VALUES, home, look=endpoint) == first
    assert "can't look into the bucket" in caplog.text


def test_without_the_setting_nobody_looks(home: Home, tmp_path: Path) -> None:
    first = make_plan(VALUES, home)
    _made(home, first, tmp_path)
    assert make_plan(VALUES, home) == first
