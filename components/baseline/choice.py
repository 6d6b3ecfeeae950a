"""Which served version a new generator is compared with."""

from __future__ import annotations

import hashlib
from pathlib import Path

from serving.repository import contract
from serving.repository.labels import served
from serving.repository.layout import list_versions
from serving.repository.metadata import metadata_or_nothing


def choose_baseline(serving_base: Path, training_key: str) -> tuple[str, str]:
    """Choose the served version that a model is compared with.

    That is the stable version. If the stable version is this very model, it is what that was compared with when it was pushed: a
    model is never judged against itself, and an unchanged rerun finds everything in the cache, even where that older version has
    been pruned since. If the pushed model doesn't say, it is the newest version of another model; none if there is no other.

    Args:
        serving_base: The model base directory, e.g. `<home>/serving/mnist_gan`.
        training_key: Identity of the model to be judged (contract.META_TRAINING_KEY).

    Returns:
        The version ("" for none) and a digest of that version's metadata ("" for none).

    Raises:
        UserError: What says which versions are served can't be read.
    """
    stable = served(serving_base).stable
    if stable is not None:
        metadata = metadata_or_nothing(serving_base / str(stable))
        if metadata.get(contract.META_TRAINING_KEY) != training_key:
            return str(stable), metadata_digest(serving_base, stable)
        verdict = metadata.get(contract.META_GATE)
        if isinstance(verdict, dict):
            version, digest = verdict.get(contract.GATE_SERVED_VERSION), verdict.get(contract.GATE_SERVED_DIGEST)
            if isinstance(version, str) and isinstance(digest, str):
                return version, digest
    return _newest_other(serving_base, training_key)


def what_is_left(serving_base: Path, training_key: str, chosen: tuple[str, str]) -> tuple[str, str]:
    """Return the chosen version and its digest, or those of the newest of another model where it is no longer there."""
    if not chosen[0] or (serving_base / chosen[0]).is_dir():
        return chosen
    return _newest_other(serving_base, training_key)


def other_models(serving_base: Path, training_key: str) -> list[int]:
    """List the versions that another training made, oldest first."""
    return [
        version
        for version in list_versions(serving_base)
        if metadata_or_nothing(serving_base / str(version)).get(contract.META_TRAINING_KEY) != training_key
    ]


def metadata_digest(serving_base: Path, version: int) -> str:
    """Digest a version by its metadata and its manifest, which tells of every other file; a missing file counts as empty."""
    digest = hashlib.sha256()
    for name in (contract.METADATA_FILE, contract.MANIFEST_FILE):
        file = serving_base / str(version) / name
        digest.update(file.read_bytes() if file.is_file() else b"")
    return digest.hexdigest()


def _newest_other(serving_base: Path, training_key: str) -> tuple[str, str]:
    others = other_models(serving_base, training_key)
    return (str(others[-1]), metadata_digest(serving_base, others[-1])) if others else ("", "")
