"""Where a training's journal lies and how it is read; needs no TensorFlow, so that reports open quickly."""

from __future__ import annotations

import json
from pathlib import Path

METRICS_FILE = "metrics.jsonl"
DISTANCE = "distance"  # the metric of `distance.py`, in the lines of the steps that the training looked at
SAMPLES_DIR = "samples"
TENSORBOARD_DIR = "tensorboard"
_SAMPLE_PREFIX = "step_"


def read_metrics(directory: Path) -> list[dict[str, float]]:
    """Read a journal's metrics, oldest first; a line cut by a kill is left out."""
    path = directory / METRICS_FILE
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [json.loads(line) for line in lines if line.endswith("}")]


def sample_path(directory: Path, step: int) -> Path:
    """Name the sample grid of a step; names sort by step."""
    return directory / SAMPLES_DIR / f"{_SAMPLE_PREFIX}{step:07d}.png"


def read_samples(directory: Path) -> dict[int, Path]:
    """List a journal's sample grids by step, oldest first."""
    grids = sorted((directory / SAMPLES_DIR).glob(f"{_SAMPLE_PREFIX}*.png"))
    return {int(path.stem.removeprefix(_SAMPLE_PREFIX)): path for path in grids}
