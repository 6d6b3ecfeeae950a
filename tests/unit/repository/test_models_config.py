"""models.config is one text proto for push and servers."""

from __future__ import annotations

from pathlib import Path

import pytest

from serving.repository.errors import UserError
from serving.repository.models_config import parse_models_config

_FILE = Path("serving/models.config")


def test_models_are_read_and_nothing_is_an_empty_list():
    config = parse_models_config(
        _FILE, b'model_config_list { config { name: "m" base_path: "/m" version_labels { key: "stable" value: 3 } } }'
    )
    assert [(one.name, dict(one.version_labels)) for one in config.model_config_list.config] == [("m", {"stable": 3})]
    assert not parse_models_config(_FILE, b"").model_config_list.config


@pytest.mark.parametrize("content", [b"?", b"model_config_list {", b"\xff\xfe", b"unknown_field: 1"])
def test_damage_is_one_line_with_the_file(content):
    with pytest.raises(UserError, match=r"^serving/models\.config is not a ModelServerConfig \(.+\)$") as caught:
        parse_models_config(_FILE, content)
    assert "\n" not in str(caught.value)
