"""The console, and what goes to it or to a log: native code's messages, the libraries' logs, our own lines."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from rich.console import Console

from serving.saved_model.quiet import native_stderr_to

_PLAIN_WIDTH = 1000  # columns: never reached


class _Console(Console):
    """A console whose reader may leave: what runs goes on, and ends with its own exit code."""

    def on_broken_pipe(self) -> None:
        self.quiet = True
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.file.fileno())
        os.close(nowhere)


def make_console(*, stderr: bool = False) -> Console:
    """Return a console for lines of any length: wrapped on a terminal, whole in a pipe or file."""
    # A copy of the descriptor: `capture_logs` points the original at a log file.
    file = os.fdopen(os.dup(2), "w", encoding="utf-8", errors="replace") if stderr else None
    console = _Console(highlight=False, emoji=False, file=file)
    return console if console.is_terminal else _Console(highlight=False, emoji=False, file=file, width=_PLAIN_WIDTH)


@contextlib.contextmanager
def quiet(*, debug: bool) -> Iterator[TextIO]:
    """Drop what TensorFlow's native code says at start-up, unless debugging; yields a stream to the terminal's stderr."""
    if debug:
        yield sys.stderr
        return
    with open(os.devnull, "w", encoding="utf-8") as nowhere, native_stderr_to(nowhere.fileno()) as stream:
        yield stream


@contextlib.contextmanager
def capture_logs(log_file: Path, view: logging.Handler, *, debug: bool) -> Iterator[None]:
    """Send the libraries' logs to a file and the project's own lines to a handler, which shows them."""
    root = logging.getLogger()
    log = log_file.open("a", encoding="utf-8")  # open until the process ends, as logging's own files are
    handler = logging.StreamHandler(log)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root.handlers = [handler]
    root.setLevel(logging.INFO)
    logging.captureWarnings(True)
    with shown_by(view), contextlib.nullcontext() if debug else native_stderr_to(log.fileno()):
        yield


@contextlib.contextmanager
def shown_by(view: logging.Handler) -> Iterator[None]:
    """Send the project's own lines, of `components.progress`, to a handler that shows them."""
    ours = logging.getLogger("forger")
    ours.setLevel(logging.INFO)
    ours.addHandler(view)
    try:
        yield
    finally:
        view.close()
        ours.removeHandler(view)
