"""What the user sees of a run: a line a node, a progress bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from pipeline.home.run_record import NodeRecord

_PLAIN_EVERY = 15.0  # seconds between progress lines where there is no terminal
_PLAIN_WIDTH = 1000  # columns: never reached


def make_console(*, stderr: bool = False) -> Console:
    """Return a console for lines of any length: wrapped on a terminal, whole in a pipe or file."""
    # A copy of the descriptor: `capture_logs` points the original at a log file.
    file = os.fdopen(os.dup(2), "w", encoding="utf-8", errors="replace") if stderr else None
    console = Console(highlight=False, file=file)
    return console if console.is_terminal else Console(highlight=False, file=file, width=_PLAIN_WIDTH)


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


@contextlib.contextmanager
def native_stderr_to(descriptor: int) -> Iterator[TextIO]:
    """Turn file descriptor 2, where native code writes its messages, elsewhere; yields a stream to the real one."""
    sys.stderr.flush()
    saved = os.dup(2)
    os.dup2(descriptor, 2)
    try:
        with os.fdopen(os.dup(saved), "w", buffering=1) as stream:
            yield stream
    finally:
        sys.stderr.flush()
        os.dup2(saved, 2)
        os.close(saved)


@contextlib.contextmanager
def quiet(*, debug: bool) -> Iterator[TextIO]:
    """Drop what TensorFlow's native code says at start-up, unless debugging; yields a stream to the terminal's stderr."""
    if debug:
        yield sys.stderr
        return
    with open(os.devnull, "w", encoding="utf-8") as nowhere, native_stderr_to(nowhere.fileno()) as stream:
        yield stream


@contextlib.contextmanager
def capture_logs(log_file: Path, view: RunView, *, debug: bool) -> Iterator[None]:
    """Send the libraries' logs to a file and the project's own lines to the screen."""
    root = logging.getLogger()
    handler = logging.FileHandler(log_file, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root.handlers = [handler]
    root.setLevel(logging.INFO)
    logging.captureWarnings(True)
    ours = logging.getLogger("forger")
    ours.setLevel(logging.INFO)
    ours.addHandler(view)
    try:
        with contextlib.nullcontext() if debug else native_stderr_to(handler.stream.fileno()):
            yield
    finally:
        view.close()
        ours.removeHandler(view)
