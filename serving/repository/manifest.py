"""The manifest of a pushed version: the digest of every file, so that a damaged version is never served."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from serving.repository.contract import MANIFEST_FILE


def file_digests(directory: Path) -> dict[str, str]:
    """SHA-256 of every file below a SavedModel directory, by relative POSIX path; the manifest itself is left out."""
    digests = {}
    for path in sorted(directory.rglob("*")):
        name = path.relative_to(directory).as_posix()
        if path.is_file() and name != MANIFEST_FILE:
            with path.open("rb") as file:
                digests[name] = hashlib.file_digest(file, "sha256").hexdigest()
    return digests


def manifest_problem(directory: Path) -> str | None:
    """Compare a SavedModel directory with its manifest.

    Returns:
        The first difference in words; None when every file is as the push wrote it, or when there is no manifest
        (a model that something else than Forger's push put there).
    """
    manifest = directory / MANIFEST_FILE
    if not manifest.is_file():
        return None
    try:
        expected = json.loads(manifest.read_text(encoding="utf-8"))
    except ValueError:
        expected = None
    if not isinstance(expected, dict):
        return f"{MANIFEST_FILE} is not a JSON object"
    found = file_digests(directory)
    for name in sorted(expected.keys() | found.keys()):
        if found.get(name) != expected.get(name):
            how = "is missing" if name not in found else "differs" if name in expected else "is not part of it"
            return f"{name} {how} (by {MANIFEST_FILE})"
    return None
