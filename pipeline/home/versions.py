"""The pushed versions of a model: when and by which run each was pushed, what the gate found, and which are served."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from serving.repository import contract
from serving.repository.errors import UserError
from serving.repository.labels import Served, served
from serving.repository.layout import version_directories
from serving.repository.manifest import manifest_problem
from serving.repository.metadata import metadata_or_nothing


def collect_versions(base: Path) -> list[dict[str, Any]]:
    """Gather what is known of every version on disk, oldest first; needs no TensorFlow.

    Args:
        base: The model base directory.

    Returns:
        For each version: version, pushed (time in UTC as ISO 8601), run_id, labels, served, problem (None for a whole version),
        frechet_ratio and the gate's other figures.

    Raises:
        UserError: models.config can't be read.
    """
    now, found = served(base), []
    for version in version_directories(base):
        try:
            found.append(_describe(base / str(version), version, now))
        except OSError:
            if (base / str(version)).is_dir():  # else a push has just pruned it
                raise
    return found


def find_version(base: Path, version: int | None, label: str | None) -> Path:
    """The directory of a version: by number, by label, or of the one that is stable.

    Raises:
        UserError: There is no such version.
    """
    now = served(base)
    if now.stable is None:
        raise UserError(f"no model version in {base}: push one with `forger run`, or name a SavedModel directory")
    if label is not None and label not in now.labels:
        raise UserError(f"no version of {base} has the label {label}: there is {list_labels(now)}")
    wanted = version or now.labels[label or contract.LABEL_STABLE]
    if wanted not in version_directories(base):
        raise UserError(f"version {wanted} is not in {base}: `forger versions` lists them")
    return base / str(wanted)


def served_facts(now: Served, base: Path) -> dict[str, Any]:
    """What is served now: model, labels and their versions, all served versions."""
    return {"model": base.name, "labels": dict(now.labels), "versions": sorted(now.versions)}


def list_labels(now: Served) -> str:
    """The labels and their versions, as in `stable 2, previous 1`."""
    return ", ".join(f"{label} {version}" for label, version in now.labels.items())


def _describe(directory: Path, version: int, now: Served) -> dict[str, Any]:
    metadata = metadata_or_nothing(directory)
    verdict = metadata.get(contract.META_GATE)
    figures = verdict.get("figures") if isinstance(verdict, dict) else None
    manifest = directory / contract.MANIFEST_FILE  # written last by the push, and by nothing else
    when = (manifest if manifest.is_file() else directory).stat().st_mtime
    problem = manifest_problem(directory)
    if problem is None and not (directory / contract.SAVED_MODEL_FILE).is_file():
        problem = f"{contract.SAVED_MODEL_FILE} is missing"
    return {
        "version": version,
        "pushed": datetime.fromtimestamp(when, UTC).isoformat(timespec="seconds"),
        "run_id": metadata.get(contract.META_RUN_ID),
        "labels": [label for label, labelled in now.labels.items() if labelled == version],
        "served": version in now.versions,
        "problem": problem,
        "gate": figures if isinstance(figures, dict) else {},
    }
