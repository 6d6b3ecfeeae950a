"""The gate's verdict for a person: figures against thresholds, and why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from components.gan.training.outcome import read_outcome
from components.usefulness.result import Usefulness
from pipeline.home.run_record import RunRecord
from pipeline.home.status import worst_of_classes
from pipeline.terminal.figures import figure


def show_verdict(record: RunRecord, console: Console) -> None:
    """Print the gate's verdict: figures against thresholds, and why."""
    if record.verdict is None:
        if record.reason:
            console.print(escape(record.reason))
        return
    show_checks(record.verdict, console)
    if record.usefulness:
        show_usefulness(Usefulness.model_validate(record.usefulness), console)
    if record.reason not in (record.verdict["reason"], (record.usefulness or {}).get("reason")):
        console.print(escape(record.reason))


def show_training(record: RunRecord, console: Console) -> None:
    """Print which of its averages the run's training gave; nothing where that isn't known."""
    if record.training and (outcome := read_outcome(Path(record.training))):
        console.print(f"the training {escape(outcome.sentence())}")


def show_checks(verdict: dict[str, Any], console: Console) -> None:
    """Print figures against thresholds and the verdict's one line."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("figure", "of", "value", "limit", ""):
        table.add_column(column, justify="right" if column in ("value", "limit") else "left")
    for check in worst_of_classes(verdict["checks"]):
        sign = {"max": "<= ", "min": ">= "}.get(check["kind"], "change of ")
        limit = f"{check['limit']:+.4g}" if check["kind"] == "change" else figure(check["limit"])
        mark = "[dim]no baseline[/]" if check["ignored"] else ("[green]ok[/]" if check["passed"] else "[bold red]failed[/]")
        mark += " [dim](lenient)[/]" if check.get("lenient") else ""
        table.add_row(check["metric"], escape(check["slice"]) or "all", figure(check["value"]), sign + limit, mark)
    if table.row_count:  # a generator that can't be judged has no figures
        console.print(table)
    console.print(f"[bold]{'blessed' if verdict['blessed'] else 'refused'}[/] by the gate: {escape(verdict['reason'])}")


def show_usefulness(found: Usefulness, console: Console) -> None:
    """Print how useful the images are, a line a figure, and which limit they miss."""
    for line in found.lines():
        console.print(escape(line))
    if found.reason:
        console.print(f"[bold]refused[/]: {escape(found.reason)}")
