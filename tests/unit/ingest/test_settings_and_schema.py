"""The dataset's settings, and the schema that is made for it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from google.protobuf import text_format
from pydantic import ValidationError
from tensorflow_metadata.proto.v0 import schema_pb2

from components.ingest.record import PreparedDataset
from components.ingest.settings import DataSettings
from components.validate.schema import write_schema

PREPARED = PreparedDataset("shapes", "1.0.0", Path("/nowhere"), ("round", "square", "star"), {"train": 1}, "upstream", "0" * 64)


def test_defaults_are_the_whole_of_mnist():
    assert DataSettings().model_dump() == {"dataset": "mnist", "train_split": "train", "eval_split": "test"}


@pytest.mark.parametrize("wrong", [{"dataset": "../etc"}, {"dataset": ""}, {"train_split": ""}, {"split": "train"}])
def test_wrong_settings_are_refused(wrong):
    with pytest.raises(ValidationError):
        DataSettings(**wrong)


def test_label_domain_comes_from_the_dataset(tmp_path):
    schema = text_format.Parse(write_schema(PREPARED, tmp_path).read_text(), schema_pb2.Schema())
    label = next(feature for feature in schema.feature if feature.name == "label")
    assert (label.int_domain.min, label.int_domain.max) == (0, 2)
    assert {feature.name for feature in schema.feature} == {"image", "label"}


def test_name_follows_content(tmp_path):
    first = write_schema(PREPARED, tmp_path)
    assert write_schema(PREPARED, tmp_path) == first
    assert write_schema(dataclasses.replace(PREPARED, class_names=("a", "b")), tmp_path) != first
    assert len(list(tmp_path.iterdir())) == 2
