"""What is known of the last run, and what is served; needs neither TFX nor TensorFlow."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pipeline.home.home import Home
from pipeline.home.run_record import RunRecord, load_last
from serving.repository.labels import served
from serving.repository.layout import list_versions


def collect(home: Home) -> dict[str, Any]:
    """Gather the last run, the pushed versions of every model, and whether a run is under way."""
    last = load_last(home.runs)
    bases = sorted(path for path in home.serving.iterdir() if path.is_dir()) if home.serving.is_dir() else []
    versions = {base.name: list_versions(base) for base in bases}
    return {
        "home": str(home.path),
        "busy": home.busy(),
        "last_run": last.model_dump(mode="json") if last else None,
        "versions": versions,
        "served": {base.name: served(base).labels for base in bases if versions[base.name]},
    }


def show(home: Home, console: Console) -> None:
    """Print the status for a person."""
    known = collect(home)
    if known["last_run"] is None:
        console.print(f"no run yet in {home.path}: start one with [bold]forger run[/]")
        return
    record = RunRecord.model_validate(known["last_run"])
    state = (
        "running"
        if known["busy"]
        else ("interrupted; `forger run` goes on with it" if record.state == "running" else record.state)
    )
    console.print(f"last run {record.run_id} ({record.profile}, {record.started}): [bold]{state}[/]")
    show_verdict(record, console)
    for name, numbers in known["versions"].items():
        listed = ", ".join(str(number) for number in numbers) or "none"
        labels = ", ".join(f"{label} {version}" for label, version in known["served"].get(name, {}).items())
        console.print(f"{name}: pushed versions {listed}" + (f"; served: {labels}" if labels else ""))


def show_verdict(record: RunRecord, console: Console) -> None:
    """Print the gate's verdict: figures against thresholds, and why."""
    if record.verdict is None:
        if record.reason:
            console.print(escape(record.reason))
        return
    show_checks(record.verdict, console)
    if record.reason != record.verdict["reason"]:
        console.print(escape(record.reason))


def show_checks(verdict: dict[str, Any], console: Console) -> None:
    """Print figures against thresholds and the verdict's one line."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column, justify in (("figure", "left"), ("of", "left"), ("value", "right"), ("limit", "right"), ("", "left")):
        table.add_column(column, justify=justify)
    for check in worst_of_classes(verdict["checks"]):
        sign = {"max": "<= ", "min": ">= "}.get(check["kind"], "change of ")
        limit = f"{check['limit']:+.4g}" if check["kind"] == "change" else _number(check["limit"])
        mark = "[dim]no baseline[/]" if check["ignored"] else ("[green]ok[/]" if check["passed"] else "[bold red]failed[/]")
        table.add_row(check["metric"], check["slice"] or "all", _number(check["value"]), sign + limit, mark)
    console.print(table)
    console.print(f"[bold]{'blessed' if verdict['blessed'] else 'refused'}[/] by the gate: {escape(verdict['reason'])}")


def worst_of_classes(checks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Keep the overall checks, every failed one, and of each other per-class check its worst class."""
    kept: list[dict[str, Any]] = []
    tightest: dict[tuple[str, str], dict[str, Any]] = {}
    for check in checks:
        key = (check["metric"], check["kind"])
        if not check["slice"] or not check["passed"]:
            kept.append(check)
        elif key not in tightest or (check["value"] > tightest[key]["value"]) == (check["kind"] == "max"):
            tightest[key] = check
    shown = [{**check, "slice": f"worst class: {check['slice']}"} for check in tightest.values()]
    return sorted([*kept, *shown], key=lambda check: (check["metric"], check["kind"], check["slice"]))


def _number(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, int | float) else "-"
