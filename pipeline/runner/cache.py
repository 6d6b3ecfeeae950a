"""TFX's cache keys without the home's path, so that a moved or copied home finds its finished work."""

from __future__ import annotations

import contextlib
import copy
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ml_metadata.proto import metadata_store_pb2
from tfx import types
from tfx.orchestration.portable import cache_utils

_HOME = "{home}"  # stands for the path


@contextlib.contextmanager
def keys_without_home(home: Path) -> Iterator[None]:
    """Make TFX compute its cache keys as if every home lay at one place; TFX has no hook for that.

    Args:
        home: The home's absolute path.
    """
    stock = cache_utils.get_cache_context

    def get_cache_context(
        *,
        input_artifacts: Mapping[str, Sequence[types.Artifact]] | None = None,
        parameters: Mapping[str, Any] | None = None,
        **others: Any,
    ) -> metadata_store_pb2.Context:
        artifacts = {key: [_without(artifact, home) for artifact in each] for key, each in (input_artifacts or {}).items()}
        texts = {key: _shorten(str(value), home) for key, value in (parameters or {}).items()}
        return stock(input_artifacts=artifacts, parameters=texts, **others)

    cache_utils.get_cache_context = get_cache_context
    try:
        yield
    finally:
        cache_utils.get_cache_context = stock


def _shorten(text: str, home: Path) -> str:
    # As JSON writes it, too: settings that are objects are handed on as JSON.
    for path in (json.dumps(str(home))[1:-1], str(home)):
        text = text.replace(path, _HOME)
    return text


def _without(artifact: types.Artifact, home: Path) -> types.Artifact:
    """Copy an artifact, the home left out of its place and its properties."""
    copied = copy.deepcopy(artifact)
    plain = copied.mlmd_artifact
    plain.uri = _shorten(plain.uri, home)
    for value in plain.custom_properties.values():
        if value.WhichOneof("value") == "string_value":
            value.string_value = _shorten(value.string_value, home)
    return copied
