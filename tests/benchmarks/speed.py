"""Where a training step's time goes: rate, model FLOP/s as a share of this machine's matrix-multiply peak, kernels by time.

`make bench ARGS="speed"`. The profile's settings are those of `quick`; `--set gan.width=32` and the like change them.
"""

from __future__ import annotations

import collections
import glob
import resource
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

from components.gan.input.source import InMemory  # noqa: E402
from components.gan.recipes import conv  # noqa: E402
from components.gan.train_state import TrainState  # noqa: E402
from components.gan.training.devices import choose_strategy, describe, dtype_policy  # noqa: E402
from components.gan.training.loop import compile_loop  # noqa: E402
from pipeline.config import resolve_config  # noqa: E402
from tests.benchmarks import training  # noqa: E402
from tests.benchmarks.machine import cpu  # noqa: E402
from tests.support.shapes import GREY_28  # noqa: E402

_STEPS, _REPEATS = 200, 5
_SIDE = 4096  # of the matrices whose product is the peak
_KERNELS = 12
_DATA = 6000  # images; what they show does not matter to the time


def main() -> None:
    """Measure, print, write."""
    training.run("speed", __doc__.splitlines()[0], measure, show)


def measure(profile: str, changes: list[str]) -> dict[str, Any]:
    """Train a while on noise and look at it."""
    settings = resolve_config(profile, changes).gan
    strategy, policy = choose_strategy(), dtype_policy(settings)
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (_DATA, 28, 28, 1), np.uint8), rng.integers(0, 10, _DATA)
    with strategy.scope():
        state = TrainState(conv, settings, 10, GREY_28, policy)
    run = compile_loop(state, InMemory(images, labels), strategy)
    run(tf.constant(conv.CYCLE * 5, tf.int64)).numpy()
    seconds = min(_timed(lambda: run(tf.constant(_STEPS, tf.int64)).numpy()) for _ in range(_REPEATS)) / _STEPS
    peak_mib = _peak_mib()  # before the large matrices
    flops = step_flops(TrainState(conv, settings, 10, GREY_28, policy), settings.batch_size)
    peak = matmul_peak(tf.bfloat16 if "bfloat16" in policy else tf.float32)
    return {
        "machine": cpu(),
        "device": describe(strategy),
        "policy": policy,
        "settings": settings.model_dump(),
        "steps_per_second": 1 / seconds,
        "images_per_second": settings.batch_size / seconds,
        "peak_mib": peak_mib,
        "gflop_per_step": flops / 1e9,
        "gflops": flops / seconds / 1e9,
        "matmul_peak_gflops": peak / 1e9,
        "share_of_peak": flops / seconds / peak,
        "kernels": kernels(run),
    }


def step_flops(state: TrainState, batch_size: int) -> float:
    """Floating-point operations of a mean step: convolutions and matrix products, as TensorFlow counts them in the graph."""

    @tf.function
    def cycle(real: tf.Tensor, label: tf.Tensor, seeds: tf.Tensor) -> None:
        for position in range(conv.CYCLE):
            conv.train_step(state, real, label, seeds, penalise=position == 0)

    rows = [batch_size]
    graph = cycle.get_concrete_function(
        tf.TensorSpec([*rows, 28, 28, 1]), tf.TensorSpec(rows, tf.int64), tf.TensorSpec(rows, tf.int64)
    ).graph
    profiler = tf.compat.v1.profiler
    options = profiler.ProfileOptionBuilder(profiler.ProfileOptionBuilder.float_operation()).with_empty_output().build()
    return profiler.profile(graph, options=options).total_float_ops / conv.CYCLE


def _peak_mib() -> float:
    """Most memory held so far: a GPU's by TensorFlow's count, or this process's."""
    if tf.config.list_physical_devices("GPU"):
        return tf.config.experimental.get_memory_info("GPU:0")["peak"] / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def matmul_peak(dtype: tf.DType) -> float:
    """FLOP/s of large square matrix products in a dtype, the best of some."""
    matrix = tf.cast(tf.random.stateless_normal([_SIDE, _SIDE], [1, 2]), dtype)
    product = tf.function(lambda: tf.reduce_sum(tf.cast(matrix @ matrix, tf.float32)))
    product()
    return 2.0 * _SIDE**3 / min(_timed(lambda: product().numpy()) for _ in range(_REPEATS))


def kernels(run: Any) -> dict[str, float]:
    """Share of the kernels' time by kind, the largest first, from TensorFlow's profiler."""
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    with tempfile.TemporaryDirectory() as directory:
        tf.profiler.experimental.start(directory)
        run(tf.constant(conv.CYCLE * 10, tf.int64)).numpy()
        tf.profiler.experimental.stop()
        (path,) = glob.glob(f"{directory}/**/*.xplane.pb", recursive=True)
        space = xplane_pb2.XSpace.FromString(Path(path).read_bytes())
    spent: collections.Counter[str] = collections.Counter()
    for plane in space.planes:
        for line in plane.lines:
            for event in line.events:
                name, colon, kind = plane.event_metadata[event.metadata_id].name.rpartition(":")
                # "node:Kind" is a kernel; "Class::Method" encloses kernels.
                if colon and not name.endswith(":") and kind.isidentifier():
                    spent[kind] += event.duration_ps
    total = sum(spent.values())
    return {kind: duration / total for kind, duration in spent.most_common(_KERNELS)}


def show(measured: dict[str, Any]) -> None:
    """Print it as tables."""
    console = Console()
    console.print(f"{measured['machine']}, {measured['device']}, {measured['policy']}")
    console.print(
        f"{measured['images_per_second']:.0f} images/s, {measured['steps_per_second']:.1f} steps/s of "
        f"{measured['gflop_per_step']:.2f} GFLOP: {measured['gflops']:.0f} GFLOP/s, {measured['share_of_peak']:.0%} of the "
        f"{measured['matmul_peak_gflops']:.0f} GFLOP/s of a large matrix product; {measured['peak_mib']:.0f} MiB at most"
    )
    table = Table("kernel", "share of the kernels' time")
    for kind, share in measured["kernels"].items():
        table.add_row(kind, f"{share:.1%}")
    console.print(table)


def _timed(call: Any) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
