"""The record of prepared data."""

from __future__ import annotations

import dataclasses
import json
import shutil

import pytest

from components.ingest import record
from tests.support.shapes import COLOUR_32, GREY_28


@pytest.fixture
def prepared(tmp_path):
    directory = tmp_path / "data" / "shapes" / "1.0.0"
    directory.mkdir(parents=True)
    (directory / "a.tfrecord").write_bytes(b"records")
    (directory / "info.json").write_text("{}")
    return record.write(
        "shapes",
        tmp_path / "data",
        version="1.0.0",
        directory=directory,
        class_names=["round", "square"],
        splits={"train": 1},
        shapes={GREY_28: 2, COLOUR_32: 1},
        record_files=["a.tfrecord"],
        origin="upstream",
    )


def test_what_is_written_is_loaded(prepared, tmp_path):
    assert record.load("shapes", tmp_path / "data") == prepared


def test_home_can_be_moved(prepared, tmp_path):
    shutil.move(tmp_path / "data", tmp_path / "moved")
    moved = record.load("shapes", tmp_path / "moved")
    assert moved.digest == prepared.digest
    assert moved.directory == tmp_path / "moved" / "shapes" / "1.0.0"


def test_digest_follows_the_records_alone(prepared, tmp_path):
    directory = prepared.directory
    (directory / "info.json").write_text("{ }")
    options = {"version": "1.0.0", "directory": directory, "class_names": ["a", "b"], "splits": {}, "shapes": {}, "origin": ""}
    options["record_files"] = ["a.tfrecord"]
    assert record.write("shapes", tmp_path / "data", **options).digest == prepared.digest
    assert record.write("shapes", tmp_path / "data", **options, label_key="kind").digest != prepared.digest
    assert record.write("shapes", tmp_path / "data", **{**options, "class_names": []}).digest != prepared.digest
    (directory / "a.tfrecord").write_bytes(b"recordz")
    assert record.write("shapes", tmp_path / "data", **options).digest != prepared.digest


@pytest.mark.parametrize("name", ["a.tfrecord", "info.json"])
def test_any_altered_or_missing_file_invalidates(prepared, tmp_path, name, notes):
    path = prepared.directory / name
    path.write_bytes(b"x")
    assert record.load("shapes", tmp_path / "data") is None
    path.unlink()
    assert record.load("shapes", tmp_path / "data") is None
    assert [name in line for line in notes()] == [True, True]


def test_what_was_made_of_something_else_is_none(prepared, tmp_path):
    assert record.load("shapes", tmp_path / "data", {}) == prepared
    assert record.load("shapes", tmp_path / "data", {"label_key": "kind"}) is None


def test_no_class_names_mean_unlabelled(prepared, tmp_path):
    assert prepared.labelled
    assert not dataclasses.replace(prepared, class_names=()).labelled


def test_damaged_or_foreign_record_is_none(prepared, tmp_path):
    path = record.record_path("shapes", tmp_path / "data")
    content = json.loads(path.read_text())
    for text in ("{", json.dumps({**content, "format": 0}), json.dumps({**content, "dataset": "other"})):
        path.write_text(text)
        assert record.load("shapes", tmp_path / "data") is None


def test_config_and_underscore_names_share_no_content(tmp_path):
    assert record.record_path("emnist/letters", tmp_path).name == "emnist_letters.json"
    assert record.load("emnist/letters", tmp_path) is None
