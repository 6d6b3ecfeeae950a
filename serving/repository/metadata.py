"""A model's own metadata, `contract.METADATA_FILE`: a JSON object that the trainer writes and the push completes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from serving.repository.contract import METADATA_FILE
from serving.repository.errors import UserError


def write_metadata(model: Path, metadata: dict[str, Any]) -> None:
    """Write the metadata into a SavedModel directory."""
    path = model / METADATA_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(json.dumps(metadata, indent=2, sort_keys=True).encode() + b"\n")


def read_metadata(model: Path) -> dict[str, Any]:
    """Read the metadata of a SavedModel directory; empty where it has none, as a foreign model.

    Raises:
        UserError: The file can't be read or is no JSON object.
    """
    path = model / METADATA_FILE
    if not path.is_file():
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        found = None
    if not isinstance(found, dict):
        raise UserError(f"{model} is corrupt: {METADATA_FILE} is not a JSON object")
    return found


def metadata_or_nothing(model: Path) -> dict[str, Any]:
    """Read the metadata where damage is reported elsewhere: empty for a missing or a damaged file."""
    try:
        return read_metadata(model)
    except UserError:
        return {}
