"""The pushed versions for a person."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pipeline.home.versions import list_labels
from pipeline.terminal.figures import figure
from serving.repository import contract
from serving.repository.labels import Served

_FIGURES = ("frechet_ratio", "precision", "recall", "label_agreement")  # of the gate's many, those that a list has room for


def show_versions(known: list[dict[str, Any]], base: Path, console: Console) -> None:
    """Print what `pipeline.home.versions.collect_versions` found, the newest first."""
    if not known:
        console.print(f"no version is pushed in {escape(str(base))}: push one with [bold]forger run[/]")
        return
    table = Table("version", "pushed (UTC)", "run", "served as", *_FIGURES, "files", box=None, pad_edge=False)
    for one in reversed(known):
        figures = [figure(one["gate"].get(name)) for name in _FIGURES]
        style = "bold" if contract.LABEL_STABLE in one["labels"] else ("" if one["served"] else "dim")
        whole = "whole" if one["problem"] is None else f"[red]damaged: {escape(one['problem'])}[/]"
        pushed = one["pushed"][:19].replace("T", " ")
        table.add_row(
            str(one["version"]),
            pushed,
            escape(str(one["run_id"] or "-")),
            ", ".join(one["labels"]) or "-",
            *figures,
            whole,
            style=style,
        )
    console.print(table)


def served_line(now: Served, base: Path) -> str:
    """One line on what is served now, and from when on."""
    polled = base.parent / contract.MODELS_CONFIG_FILE
    return f"{base.name}: {list_labels(now)}; servers that poll {polled} follow at their next look"
