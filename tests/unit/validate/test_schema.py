"""The schema that is made for a dataset."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from components.ingest.record import PreparedDataset
from components.validate.schema import write_schema
from tests.support.shapes import COLOUR_32, GREY_28

PREPARED = PreparedDataset(
    "shapes", "1.0.0", Path("/nowhere"), ("round", "square", "star"), {"train": 1}, {GREY_28: 1}, "upstream", "0" * 64
)


def test_label_domain_comes_from_the_dataset(tmp_path):
    schema = text_format.Parse(write_schema(PREPARED, GREY_28, tmp_path).read_text(), schema_pb2.Schema())
    label = next(feature for feature in schema.feature if feature.name == "label")
    assert (label.int_domain.min, label.int_domain.max) == (0, 2)
    assert {feature.name for feature in schema.feature} == {"image", "label"}


def test_name_follows_content(tmp_path):
    first = write_schema(PREPARED, GREY_28, tmp_path)
    assert write_schema(PREPARED, GREY_28, tmp_path) == first
    assert write_schema(dataclasses.replace(PREPARED, class_names=("a", "b")), GREY_28, tmp_path) != first
    assert write_schema(PREPARED, COLOUR_32, tmp_path) != first
    assert len(list(tmp_path.iterdir())) == 3


def test_shape_of_the_transformed_images_is_told(tmp_path):
    schema = text_format.Parse(write_schema(PREPARED, COLOUR_32, tmp_path).read_text(), schema_pb2.Schema())
    image = next(feature for feature in schema.feature if feature.name == "image")
    assert image.annotation.tag == ["shape=32x32x3"]


def test_unlabelled_images_have_no_label(tmp_path):
    text = write_schema(dataclasses.replace(PREPARED, class_names=()), GREY_28, tmp_path).read_text()
    schema = text_format.Parse(text, schema_pb2.Schema())
    assert [feature.name for feature in schema.feature] == ["image"]
