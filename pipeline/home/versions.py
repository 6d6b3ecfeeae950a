"""The pushed versions of a model: when and by which run each was pushed, what the gate found, and which are served."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from serving.repository import contract
from serving.repository.errors import UserError
from serving.repository.labels import Served, served
from serving.repository.layout import version_directories
from serving.repository.manifest import manifest_problem

_FIGURES = ("frechet_ratio", "precision", "recall", "label_agreement")  # of the gate's many, those that a list has room for


def collect(base: Path) -> list[dict[str, Any]]:
    """Gather what is known of every version on disk, oldest first; needs no TensorFlow.

    Args:
        base: The model base directory.

    Returns:
        For each version: version, pushed (time in UTC as ISO 8601), run_id, labels, served, problem (None for a whole version),
        frechet_ratio and the gate's other figures.

    Raises:
        UserError: models.config can't be read.
    """
    now = served(base)
    return [_describe(base / str(version), version, now) for version in version_directories(base)]


def find(base: Path, version: int | None, label: str | None) -> Path:
    """The directory of a version: by number, by label, or of the one that is stable.

    Raises:
        UserError: There is no such version.
    """
    now = served(base)
    if now.stable is None:
        raise UserError(f"no model version in {base}: push one with `forger run`, or name a SavedModel directory")
    if label is not None and label not in now.labels:
        raise UserError(f"no version of {base} has the label {label}: there is {_listed(now)}")
    wanted = version or now.labels[label or contract.LABEL_STABLE]
    if wanted not in version_directories(base):
        raise UserError(f"version {wanted} is not in {base}: `forger versions` lists them")
    return base / str(wanted)


def show(base: Path, console: Console) -> None:
    """Print the versions for a person, the newest first."""
    known = collect(base)
    if not known:
        console.print(f"no version is pushed in {base}: push one with [bold]forger run[/]")
        return
    table = Table("version", "pushed (UTC)", "run", "served as", *_FIGURES, "files", box=None, pad_edge=False)
    for one in reversed(known):
        figures = [f"{one['gate'][name]:.4g}" if one["gate"].get(name) is not None else "-" for name in _FIGURES]
        style = "bold" if contract.LABEL_STABLE in one["labels"] else ("" if one["served"] else "dim")
        whole = "whole" if one["problem"] is None else f"[red]damaged: {escape(one['problem'])}[/]"
        pushed = one["pushed"][:19].replace("T", " ")
        table.add_row(
            str(one["version"]), pushed, one["run_id"] or "-", ", ".join(one["labels"]) or "-", *figures, whole, style=style
        )
    console.print(table)


def say(now: Served, base: Path) -> str:
    """One line on what is served now, and from when on."""
    return f"{base.name}: {_listed(now)}; servers that poll {base.parent / contract.MODELS_CONFIG_FILE} follow at their next look"


def _listed(now: Served) -> str:
    return ", ".join(f"{label} {version}" for label, version in now.labels.items())


def _describe(directory: Path, version: int, now: Served) -> dict[str, Any]:
    metadata = _metadata(directory)
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


def _metadata(directory: Path) -> dict[str, Any]:
    try:
        metadata = json.loads((directory / contract.METADATA_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return metadata if isinstance(metadata, dict) else {}
