"""Measuring: rates and latencies of a server under load, and of the SavedModel called in a process of its own."""

from __future__ import annotations

import base64
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from tests.benchmarks.serving.load import Load, Reply

_CORES = os.cpu_count() or 1
# The same for every server and for the bare SavedModel: every core, within an operation of TensorFlow and between operations.
THREADS = {
    "TF_NUM_INTRAOP_THREADS": str(_CORES),
    "TF_NUM_INTEROP_THREADS": str(_CORES),
    "OMP_NUM_THREADS": str(_CORES),
    "TF_ENABLE_ONEDNN_OPTS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
}
_LOADERS = 2  # processes that the clients are spread over

_IN_PROCESS = """
import json, sys, time
import tensorflow as tf
model = tf.saved_model.load(sys.argv[1])
run, rows, seconds = model.signatures["sample"], int(sys.argv[2]), float(sys.argv[3])
seeds = [tf.range(turn * rows, (turn + 1) * rows, dtype=tf.int64) for turn in range(16)]
labels = tf.zeros([rows], tf.int64)
def turn(number):
    return run(seed=seeds[number % 16], label=labels)["image"].numpy()
for number in range(10):
    turn(number)
began, calls = time.monotonic(), 0
while time.monotonic() - began < seconds:
    turn(calls)
    calls += 1
print(json.dumps(calls * rows / (time.monotonic() - began)))
"""


@dataclass(frozen=True)
class Rate:
    """A server under one load; latencies in milliseconds."""

    images_per_s: float
    p50_ms: float
    p99_ms: float
    failed: int


def in_process(model: Path, rows: int, seconds: float) -> float:
    """Images a second of the SavedModel, called with `rows` rows in a loop by a process of its own."""
    command = [sys.executable, "-c", _IN_PROCESS, str(model), str(rows), str(seconds)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, **THREADS})
    return json.loads(done.stdout.splitlines()[-1])


def start_loaders(load: Load) -> list[subprocess.Popen]:
    """Start a load, its clients spread over processes."""
    spread = min(_LOADERS, load.clients)
    processes = []
    for index in range(spread):
        clients = load.clients // spread + (index < load.clients % spread)
        part = replace(load, clients=clients, rate=load.rate and load.rate * clients / load.clients)
        program = str(Path(__file__).with_name("load.py"))
        process = subprocess.Popen([sys.executable, program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert process.stdin is not None
        process.stdin.write(json.dumps(asdict(part)))
        process.stdin.close()
        process.stdin = None  # already closed: communicate() must not try again
        processes.append(process)
    return processes


def collect(processes: list[subprocess.Popen]) -> list[Reply]:
    """Wait for a load's processes."""
    replies = []
    for process in processes:
        output, _ = process.communicate()
        if process.returncode:
            raise SystemExit(f"a load generator ended with status {process.returncode}")
        replies.append(Reply(**json.loads(output)))
    return replies


def measure(load: Load, rows: int) -> tuple[Rate, bytes]:
    """Put a server under a load of requests of `rows` rows; returns its figures and one answer."""
    replies = collect(start_loaders(load))
    latencies = [latency for reply in replies for latency in reply.latencies]
    failures = [failure for reply in replies for failure in reply.failures]
    if not latencies:
        raise SystemExit(f"no call to {load.target} was answered: {failures[:1]}")
    p50, p99 = np.percentile(latencies, [50, 99]) * 1000
    rate = Rate(len(latencies) * rows / load.seconds, float(p50), float(p99), sum(reply.failed for reply in replies))
    return rate, base64.b64decode(next(reply.first for reply in replies if reply.first))


def median(rates: Sequence[Rate]) -> Rate:
    """The median of each figure; failures add up."""
    return Rate(
        statistics.median(rate.images_per_s for rate in rates),
        statistics.median(rate.p50_ms for rate in rates),
        statistics.median(rate.p99_ms for rate in rates),
        sum(rate.failed for rate in rates),
    )
