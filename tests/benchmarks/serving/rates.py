"""How fast the embedded server is: against the bare SavedModel, with and without batching, and beside other servers."""

from __future__ import annotations

import contextlib
import functools
import urllib.request
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from prometheus_client.parser import text_string_to_metric_families

from tests.benchmarks.serving import servers
from tests.benchmarks.serving.generator import predict_requests, predicted_images, rows_of
from tests.benchmarks.serving.load import Load
from tests.benchmarks.serving.measure import Rate, in_process, measure, median

_WARM_UP = 2.0  # seconds
ROWS = 64  # of a large request
CLIENTS = (1, 8, 32, 256)
_BATCH_METRIC = "forger_serving_batch_rows"


def against_saved_model(home: Path, model: Path, seconds: float, rounds: int) -> dict[str, Any]:
    """Images a second of requests of 64 rows, over gRPC and in process, in turn so that both see the same machine."""
    bare, served = [], {1: [], 2: []}
    requests = predict_requests(ROWS)
    with servers.forger(home) as running:
        for _ in range(rounds):
            bare.append(in_process(model, ROWS, seconds))
            for clients, rates in served.items():
                rate, answer = measure(Load(running.target, servers.PREDICT, requests, clients, _WARM_UP, seconds), ROWS)
                _check(predicted_images(answer), model, 0, ROWS)
                rates.append(rate)
    found = {clients: median(rates) for clients, rates in served.items()}
    in_process_rate = float(np.median(bare))
    best = max(rate.images_per_s for rate in found.values())
    return {
        "rows": ROWS,
        "in_process_images_per_s": in_process_rate,
        "clients": {str(clients): asdict(rate) for clients, rate in found.items()},
        "share_of_in_process": best / in_process_rate,
    }


def batching(home: Path, model: Path, seconds: float, rounds: int) -> dict[str, Any]:
    """32 clients of one row each, with and without batching."""
    found: dict[str, list[Rate]] = {"batched": [], "unbatched": []}
    with servers.forger(home) as batched, servers.forger(home, "--max-batch-size", "0") as unbatched:
        before = _batches(batched)
        for _ in range(rounds):
            for name, running in (("batched", batched), ("unbatched", unbatched)):
                load = Load(running.target, servers.PREDICT, running.one_row, 32, _WARM_UP, seconds)
                found[name].append(measure(load, 1)[0])
        after = _batches(batched)
    rows = (after[0] - before[0]) / max(after[1] - before[1], 1)
    bare = float(np.median([in_process(model, max(round(rows), 1), seconds) for _ in range(rounds)]))
    rates = {name: median(of) for name, of in found.items()}
    return {
        "clients": 32,
        **{name: asdict(rate) for name, rate in rates.items()},
        "rows_of_a_batch": rows,
        "in_process_images_per_s_at_that_batch": bare,
        "batched_over_unbatched": rates["batched"].images_per_s / rates["unbatched"].images_per_s,
        "share_of_in_process": rates["batched"].images_per_s / bare,
    }


def beside_rivals(home: Path, model: Path, work: Path, seconds: float, rounds: int) -> dict[str, Any]:
    """Requests of one row from 1 to 256 clients to each server, round by round in turn; all serve the same SavedModel."""
    environments = {name: servers.build_environment(work / f"env-{name}", name) for name in servers.REQUIREMENTS}
    found: dict[str, dict[int, list[Rate]]] = {}
    with contextlib.ExitStack() as stack:
        running = {
            "Forger": stack.enter_context(servers.forger(home)),
            "MLServer": stack.enter_context(servers.mlserver(environments["MLServer"], model, work / "mlserver")),
            "KServe": stack.enter_context(servers.kserve(environments["KServe"], model, work / "kserve")),
        }
        for _ in range(rounds):
            for clients in CLIENTS:
                for name, server in running.items():
                    load = Load(server.target, server.method, server.one_row, clients, _WARM_UP, seconds)
                    rate, answer = measure(load, 1)
                    if server.method == servers.PREDICT:
                        _check(predicted_images(answer), model, 0, 1)
                    elif expected(model, 0, 1).tobytes() not in answer:
                        raise SystemExit(f"{name} draws another image")
                    found.setdefault(name, {}).setdefault(clients, []).append(rate)
    return {name: {str(clients): asdict(median(rates)) for clients, rates in by.items()} for name, by in found.items()}


@functools.cache
def expected(model: Path, turn: int, rows: int) -> np.ndarray:
    """The images that a request must be answered with."""
    from serving.saved_model.generator import LocalGenerator

    return LocalGenerator(model).sample(*rows_of(turn, rows))[0]


def _check(images: np.ndarray, model: Path, turn: int, rows: int) -> None:
    if not np.array_equal(images, expected(model, turn, rows)):
        raise SystemExit("the server draws other images than the SavedModel")


def _batches(running: servers.Running) -> tuple[float, float]:
    """Rows, and batches that they were run in, so far."""
    with urllib.request.urlopen(running.metrics, timeout=10) as answer:  # an address of this machine
        text = answer.read().decode()
    sums = {"_sum": 0.0, "_count": 0.0}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            for ending in sums:
                if sample.name == _BATCH_METRIC + ending:
                    sums[ending] += sample.value
    return sums["_sum"], sums["_count"]
