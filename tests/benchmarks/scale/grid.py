"""The cells: which steps there are, what each of them reads, and their names."""

from __future__ import annotations

from pathlib import Path

# In the order in which they need one another -> the steps whose outputs they read.
NEEDS = {
    "TfdsExampleGen": (),
    "StatisticsGen": ("TfdsExampleGen",),
    "Transform": ("TfdsExampleGen",),
    "Gate": ("TfdsExampleGen", "Transform"),
    "generate": (),
}
STEPS = tuple(NEEDS)


def key(step: str, engine: str, size: int) -> str:
    """A cell's name in the results."""
    return f"{step} {engine} {size}"


def done_file(work: Path, size: int, step: str) -> Path:
    """The file that says that a step's output is whole."""
    return work / str(size) / f"{step}.done"
