"""The schema that is made for a dataset."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from components.ingest.record import PreparedDataset
from components.validate.schema import write_schema

PREPARED = PreparedDataset("shapes", "1.0.0", Path("/nowhere"), ("round", "square", "star"), {"train": 1}, "upstream", "0" * 64)


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
