"""Steps a second with the images in memory and streamed from files, in turns in one process: `make bench ARGS="input"`.

Rates drift with a machine's temperature and its other work: each repeat measures both, and the ratio is the median of theirs.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from pipeline.environment import prepare_tensorflow

prepare_tensorflow(quiet=True)

import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402

from components.gan.input.source import open_source  # noqa: E402
from components.gan.recipes import conv  # noqa: E402
from components.gan.train_state import TrainState  # noqa: E402
from components.gan.training.devices import choose_strategy, describe, dtype_policy  # noqa: E402
from components.gan.training.loop import compile_loop  # noqa: E402
from pipeline.config import resolve_config  # noqa: E402
from tests.benchmarks import training  # noqa: E402
from tests.benchmarks.machine import cpu  # noqa: E402
from tests.support.shapes import GREY_28  # noqa: E402
from tests.support.shards import write_shards  # noqa: E402

_KINDS = ("memory", "stream")
_STEPS, _REPEATS = 200, 7
_SHARDS, _SHARD_SIZE = 8, 2500
_CLASSES = 10
_BAR = 0.9  # what streaming must keep of the rate


def main() -> None:
    """Measure, print, write."""
    training.run("input", __doc__.splitlines()[0], measure, show)


def measure(profile: str, changes: list[str]) -> dict[str, Any]:
    """Train on noise, which compresses worst, by both ways in turns."""
    settings = resolve_config(profile, changes).gan
    strategy, policy = choose_strategy(), dtype_policy(settings)
    rng = np.random.default_rng(0)
    count = _SHARDS * _SHARD_SIZE
    images, labels = rng.integers(0, 256, (count, 28, 28, 1), np.uint8), rng.integers(0, _CLASSES, count)
    seconds: dict[str, list[float]] = {kind: [] for kind in _KINDS}
    with tempfile.TemporaryDirectory() as directory:
        pattern = write_shards(Path(directory), images, labels, [_SHARD_SIZE] * _SHARDS)
        loops = {}
        for kind in _KINDS:
            with strategy.scope():
                state = TrainState(conv, settings, _CLASSES, GREY_28, policy)
            # A window smaller than the data, so that reading and shuffling go on all the time.
            mine = settings.model_copy(update={"input": kind, "shuffle_buffer": min(settings.shuffle_buffer, count // 4)})
            state.settings = mine
            loops[kind] = compile_loop(state, open_source([pattern], mine, Path(directory)), strategy)
            loops[kind](tf.constant(conv.CYCLE * 5, tf.int64)).numpy()
        for _ in range(_REPEATS):
            for kind, run in loops.items():
                began = time.perf_counter()
                run(tf.constant(_STEPS, tf.int64)).numpy()
                seconds[kind].append(time.perf_counter() - began)
    ratios = [memory / stream for memory, stream in zip(seconds["memory"], seconds["stream"], strict=True)]
    return {
        "machine": cpu(),
        "device": describe(strategy),
        "policy": policy,
        "settings": settings.model_dump(),
        "steps_per_second": {kind: _STEPS / statistics.median(times) for kind, times in seconds.items()},
        "stream_to_memory": statistics.median(ratios),
        "ratios": ratios,
    }


def show(measured: dict[str, Any]) -> None:
    """Print it as a table."""
    console = Console()
    console.print(f"{measured['machine']}, {measured['device']}, {measured['policy']}")
    table = Table("images", "steps/s")
    for kind, rate in measured["steps_per_second"].items():
        table.add_row(kind, f"{rate:.1f}")
    console.print(table)
    ratio = measured["stream_to_memory"]
    console.print(f"streamed / in memory: {ratio:.1%} (bar {_BAR:.0%}: {'met' if ratio >= _BAR else 'missed'})")


if __name__ == "__main__":
    main()
