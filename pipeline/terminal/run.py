"""A run for a person: a line a node, a progress bar on a terminal, plain lines elsewhere, and how it ended."""

from __future__ import annotations

import json
import logging
import shutil
import sys
import time
from collections.abc import Iterable
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from components.ingest.settings import DataSettings
from pipeline.home.run_record import NodeRecord, RunRecord
from pipeline.terminal.verdict import show_training, show_verdict

_PLAIN_EVERY = 15.0  # seconds between progress lines where there is no terminal


class RunView(logging.Handler):
    """Shows nodes (as `NodeObserver`) and what components report through the `forger` loggers."""

    def __init__(self, console: Console) -> None:
        """Show on a console."""
        super().__init__(logging.INFO)
        self._console = console
        self._progress: Progress | None = None
        self._tasks: dict[str, TaskID] = {}
        self._began: dict[str, tuple[float, int]] = {}
        self._last_plain = 0.0

    def started(self, node_id: str, number: int, total: int) -> None:
        """Say that a node starts."""
        self._console.print(f"[bold]{number:>2}/{total}[/] {node_id:<24} [dim]started[/]")

    def ended(self, node: NodeRecord) -> None:
        """Say that a node ended: its time, and whether it was cached."""
        self.close()
        style = "dim" if node.outcome == "cached" else "green"
        self._console.print(f"      {node.id:<24} [{style}]{node.outcome:<6}[/] {node.seconds:7.1f} s")

    def emit(self, record: logging.LogRecord) -> None:
        """Show a log record of `components.progress`."""
        if text := getattr(record, "forger_note", None):
            self._console.print(f"      {escape(text)}")
        elif progress := getattr(record, "forger_progress", None):
            self._advance(**progress)
        elif record.levelno >= logging.WARNING:
            self._console.print(f"      {escape(record.getMessage())}")

    def close(self) -> None:
        """Take the progress bar down."""
        if self._progress is not None:
            self._progress.stop()
        self._progress, self._tasks, self._began = None, {}, {}
        super().close()

    def _advance(self, task: str, done: int, total: int, unit: str, figures: dict[str, object]) -> None:
        now = time.monotonic()
        # The rate counts from the first report, so that a continued task isn't credited with what was done before.
        began, first = self._began.setdefault(task, (now, done))
        rate = (done - first) / (now - began) if now > began else 0.0
        shown = "  ".join(
            f"{name} {value:.3g}" if isinstance(value, float) else f"{name} {value}" for name, value in figures.items()
        )
        if self._console.is_terminal:
            self._draw_bar(task, done, total, f"{rate:.1f} {unit}/s")
        elif now - self._last_plain >= _PLAIN_EVERY or done >= total:
            self._last_plain = now
            eta = f"ETA {(total - done) / rate:.0f} s" if rate else "ETA unknown"
            self._console.print(f"      {task}: {done}/{total} {unit}, {rate:.1f} {unit}/s, {eta}  {shown}")

    def _draw_bar(self, task: str, done: int, total: int, text: str) -> None:
        if self._progress is None:
            columns = (
                TextColumn("{task.description}"),
                BarColumn(20),
                MofNCompleteColumn(),
                TimeRemainingColumn(),
                TextColumn("{task.fields[text]}"),
            )
            self._progress = Progress(*columns, console=self._console, transient=True)
            self._progress.start()
        if task not in self._tasks:
            # Started at what was done before, so that the bar's ETA is of this session's rate.
            self._tasks[task] = self._progress.add_task(task, total=total, completed=done, text=text)
        self._progress.update(self._tasks[task], completed=done, text=text)


def show_plan(config: dict[str, Any], nodes: Iterable[str], runner: str, beam_args: list[str], console: Console) -> None:
    """Print what a run would do: its configuration, its nodes, and what Beam is told."""
    console.print_json(json.dumps(config))
    console.print("nodes: " + " -> ".join(nodes))
    console.print(f"Beam on {runner}: " + escape(" ".join(beam_args)))


def show_end(record: RunRecord, console: Console, seconds: float, *, as_before: bool) -> None:
    """Print how a run ended, whether an earlier run had pushed this version, and the next thing to type."""
    console.print()
    show_training(record, console)
    show_verdict(record, console)
    for name, path in record.pictures.items():
        console.print(f"{name}: {escape(path)}")
    console.print(f"took {seconds:.0f} s")
    if record.state == "blessed":
        console.print(f"{'as before' if as_before else 'pushed'}: version {record.pushed_version}, {escape(record.pushed_path)}")
        dataset = record.config["data"]["dataset"]
        forger = escape(_this_command())
        which = "" if dataset == DataSettings().dataset else f" --dataset {dataset}"
        console.print(
            f"next: [bold]{forger} sample{which} --out grid.png[/], or [bold]{forger} serve{which}[/] and query it over gRPC"
        )
    else:
        console.print(
            "nothing was pushed. next: see in the report what fails, change a setting with [bold]--set[/] and run again"
        )


def _this_command() -> str:
    """Name the command as it can be typed: after `make run` the environment may not be activated."""
    return "forger" if shutil.which("forger") else sys.argv[0]
