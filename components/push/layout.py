"""The serving directory: push a SavedModel as the next version so that a crash at any byte leaves what is served untouched.

A version is built in `<base>/.staging-<version>` and renamed to `<base>/<version>` when the disk has all of it. Versions only
grow, also past versions that were pruned: `<base>/.high-water` holds the highest number ever given. Old versions are renamed to
`<base>/.pruned-<version>` before their files are deleted, so that half a version is never seen. What is in place is served once
it is released, see `served.py`.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.baseline.choice import choose_baseline, what_is_left
from serving.repository import contract, durable
from serving.repository.errors import UserError
from serving.repository.labels import RELEASING, finish_release, forget_previous, served
from serving.repository.layout import list_versions, version_directories
from serving.repository.locks import only_writer
from serving.repository.manifest import file_digests, manifest_problem
from serving.repository.metadata import metadata_or_nothing, write_metadata

_STAGING, _PRUNED, _HIGH_WATER = ".staging-", ".pruned-", ".high-water"


@dataclass(frozen=True)
class Pushed:
    """A version in a serving directory.

    Attributes:
        version: Its number.
        directory: `<base>/<version>`.
        is_new: False where the newest version already was this very model.
    """

    version: int
    directory: Path
    is_new: bool


def push_model(
    model: Path,
    base: Path,
    *,
    run_id: str,
    verdict: dict[str, Any],
    keep_versions: int,
    canary: bool = False,
    compared: tuple[str, str] | None = None,
) -> Pushed:
    """Push a SavedModel as the newest version, and serve it.

    Where the newest version is whole and is the very same model (training key and weights), that one is returned. An older
    version of the same model does not count: the newest is what is served, so the model must become the newest again.

    Args:
        model: A generator's SavedModel directory.
        base: The model base directory; made if missing.
        run_id: The pipeline run that pushes, recorded in the version's metadata.
        verdict: The gate's verdict, recorded whole in the version's metadata.
        keep_versions: Versions that stay on disk, at least 1; what is served stays in any case.
        canary: Serve it as the canary beside the stable version, until it is promoted or withdrawn.
        compared: The version and digest that the gate compared with, see `choose_baseline`; None to push without looking.

    Raises:
        UserError: A model without metadata, a base directory that cannot be written, a full disk, another push under way, or
            another version served than the one that the gate compared with.
    """
    metadata = _metadata(model)
    training_key = metadata[contract.META_TRAINING_KEY]
    try:
        base.mkdir(parents=True, exist_ok=True)
        with only_writer(base):
            served(base)  # a models.config that can't be read stops a push before it changes anything
            for leftover in _leftovers(base):
                shutil.rmtree(leftover)
            durable.remove_partials(base)
            finish_release(base)
            same = _newest_if_same(base, training_key, weights_digest(model))
            if same is not None:
                _prune(base, keep_versions)
                return Pushed(same, base / str(same), is_new=False)
            # Only under the lock: another run may have pushed, or a user rolled back, since the gate looked.
            if compared is not None:
                now = what_is_left(base, training_key, choose_baseline(base, training_key))
                if now != compared:
                    raise UserError(_changed(base, compared[0], now[0]))
            version = _next_version(base)
            final = {**metadata, contract.META_RUN_ID: run_id, contract.META_GATE: verdict}
            staging = base / f"{_STAGING}{version}"
            try:
                _stage(model, staging, final)
                durable.replace_file(base / _HIGH_WATER, f"{version}\n".encode())
                how = contract.LABEL_CANARY if canary else contract.LABEL_STABLE
                durable.replace_file(base / RELEASING, f"{version} {how}\n".encode())
                staging.rename(base / str(version))
            except OSError:
                shutil.rmtree(staging, ignore_errors=True)  # give a full disk its space back
                raise
            durable.sync(base)
            finish_release(base)
            _prune(base, keep_versions)
    except OSError as error:
        why = f"{error.strerror or error} ({error.filename or base})"
        raise UserError(f"cannot push to {base}: {why}; free space or fix its permissions") from error
    return Pushed(version, base / str(version), is_new=True)


def weights_digest(model: Path) -> str:
    """SHA-256 over names and contents of a SavedModel's variables; the graph's own file differs from export to export."""
    digest = hashlib.sha256()
    for name, content in file_digests(model / "variables").items():
        digest.update(f"{name}\0{content}\0".encode())
    return digest.hexdigest()


def _changed(base: Path, before: str, now: str) -> str:
    was, has = (f"version {version}" if version else "nothing" for version in (before, now))
    return (
        f"not pushed to {base}: what it serves changed during this run (the gate compared with {was}, now it would be {has}); "
        "run again: only the gate and what follows are repeated"
    )


def _metadata(model: Path) -> dict[str, Any]:
    metadata = metadata_or_nothing(model)
    if contract.META_TRAINING_KEY not in metadata:
        raise UserError(f"cannot push {model}: it has no {contract.METADATA_FILE} with a training key; train it again")
    return metadata


def _leftovers(base: Path) -> list[Path]:
    """What a killed push left: half copies, and pruned versions whose files were not all deleted."""
    return [child for child in base.iterdir() if child.name.startswith((_STAGING, _PRUNED))]


def _newest_if_same(base: Path, training_key: str, weights: str) -> int | None:
    versions = version_directories(base)
    if not versions:
        return None
    newest = base / str(versions[-1])
    same = metadata_or_nothing(newest).get(contract.META_TRAINING_KEY) == training_key
    # Without a manifest nobody can say that it is whole.
    whole = (newest / contract.MANIFEST_FILE).is_file() and manifest_problem(newest) is None
    return versions[-1] if same and whole and weights_digest(newest) == weights else None


def _next_version(base: Path) -> int:
    path = base / _HIGH_WATER
    try:
        recorded = int(path.read_text(encoding="ascii")) if path.exists() else 0
    except ValueError as error:
        raise UserError(f"{path} holds no version number: delete it, versions then go on from the newest on disk") from error
    return max([recorded, *version_directories(base)]) + 1


def _stage(model: Path, staging: Path, metadata: dict[str, Any]) -> None:
    durable.copy_tree(model, staging)
    write_metadata(staging, metadata)
    durable.sync(staging / contract.METADATA_FILE)
    # Last, because it holds the digest of all the rest.
    durable.write_file(staging / contract.MANIFEST_FILE, _json(file_digests(staging)))
    durable.sync_tree(staging)


def _prune(base: Path, keep: int) -> None:
    """Delete the versions that are older than the newest `keep` whole ones, but nothing that is served."""
    newest, now = list_versions(base)[-keep:], served(base)
    if not newest:
        return
    doomed = [version for version in version_directories(base) if version < newest[0]]
    if keep == 1 and now.previous in doomed:  # asked to keep no second version
        forget_previous(base)
        now = served(base)
    for version in doomed:
        if version not in now.versions:
            pruned = base / f"{_PRUNED}{version}"
            (base / str(version)).rename(pruned)
            durable.sync(base)
            shutil.rmtree(pruned)


def _json(content: dict[str, Any]) -> bytes:
    return json.dumps(content, indent=2, sort_keys=True).encode() + b"\n"
