"""Progress of long work, sent through standard logging so that executors need no handle on the user's screen."""

from __future__ import annotations

import logging
from typing import Any

_LOGGER = logging.getLogger("forger.progress")


def report_progress(task: str, done: int, total: int, unit: str, **figures: Any) -> None:
    """Say how far a task is.

    Args:
        task: What is being done, e.g. "training the generator".
        done: Units finished so far; equal to `total` at the end.
        total: Units in all.
        unit: Name of the unit, e.g. "steps".
        **figures: Current figures to show beside it, e.g. `loss=0.7`.
    """
    shown = "".join(f" {name}={value:.4g}" if isinstance(value, float) else f" {name}={value}" for name, value in figures.items())
    record = {"task": task, "done": done, "total": total, "unit": unit, "figures": figures}
    _LOGGER.info("%s: %d/%d %s%s", task, done, total, unit, shown, extra={"forger_progress": record})


def log_note(text: str) -> None:
    """Tell the user one line about what is happening (where the data came from, a warning)."""
    _LOGGER.info("%s", text, extra={"forger_note": text})
