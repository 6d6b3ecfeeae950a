"""A model's own metadata."""

from __future__ import annotations

import pytest

from serving.repository.contract import METADATA_FILE
from serving.repository.errors import UserError
from serving.repository.metadata import metadata_or_nothing, read_metadata, write_metadata


def test_what_was_written_is_read(tmp_path):
    write_metadata(tmp_path, {"dataset": "mnist", "class_names": ["ä"]})
    assert read_metadata(tmp_path) == {"dataset": "mnist", "class_names": ["ä"]}


def test_a_foreign_model_has_none(tmp_path):
    assert read_metadata(tmp_path) == {}


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'"text"', b"\xff\xfe", b"null"])
def test_damage_is_one_line_and_nothing_where_it_is_reported_elsewhere(tmp_path, content):
    file = tmp_path / METADATA_FILE
    file.parent.mkdir()
    file.write_bytes(content)
    with pytest.raises(UserError, match=r"is corrupt: assets.extra/forger.json is not a JSON object"):
        read_metadata(tmp_path)
    assert metadata_or_nothing(tmp_path) == {}
