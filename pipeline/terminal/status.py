"""The status for a person."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.markup import escape

from pipeline.home.run_record import RunRecord
from pipeline.terminal.verdict import show_training, show_verdict


def show_status(known: dict[str, Any], console: Console) -> None:
    """Print what `pipeline.home.status.collect_status` found."""
    if known["last_run"] is None:
        console.print(f"no run yet in {escape(known['home'])}: start one with [bold]forger run[/]")
        return
    record = RunRecord.model_validate(known["last_run"])
    state = (
        "running"
        if known["busy"]
        else ("interrupted; `forger run` goes on with it" if record.state == "running" else record.state)
    )
    console.print(f"last run {record.run_id} ({escape(record.profile)}, {record.started}): [bold]{state}[/]")
    show_training(record, console)
    show_verdict(record, console)
    for name, numbers in known["versions"].items():
        listed = ", ".join(str(number) for number in numbers) or "none"
        labels = ", ".join(f"{label} {version}" for label, version in known["served"].get(name, {}).items())
        console.print(f"{escape(name)}: pushed versions {listed}" + (f"; served: {labels}" if labels else ""))
