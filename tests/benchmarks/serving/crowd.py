"""What a crowd of clients is answered with default settings, and the memory that the server takes for it and for new versions."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from components.push.layout import push_model
from components.shape import ImageShape
from pipeline.home.home import Home
from serving.client import GeneratorClient
from serving.repository import contract
from serving.repository.labels import roll_back
from serving.repository.metadata import read_metadata, write_metadata
from tests.benchmarks.serving import generator, servers
from tests.benchmarks.serving.load import Load
from tests.benchmarks.serving.measure import collect, start_loaders
from tests.support.shapes import COLOUR_64, GREY_28
from tests.support.waiting import wait_until

_CLIENTS, _ROWS = 64, 64
_TIMEOUT = 120.0  # seconds for one answer: 4,096 rows wait
_CHANGES = 100


def under_crowd(work: Path, seconds: float) -> dict[str, Any]:
    """64 clients with requests of 64 rows, for grey images of 28 pixels and colour ones of 64."""
    return {str(shape): _crowd(work / f"crowd-{shape}", shape, seconds) for shape in (GREY_28, COLOUR_64)}


def _crowd(work: Path, shape: ImageShape, seconds: float) -> dict[str, Any]:
    home = _home(work, shape)
    requests = generator.predict_requests(_ROWS)
    with servers.forger(home) as running:
        load = Load(running.target, servers.PREDICT, requests, _CLIENTS, 0.0, seconds, timeout=_TIMEOUT)
        replies = collect(start_loaders(load))
        peak = _mebibytes(running.pid, "VmHWM")
    answered = sum(len(reply.latencies) for reply in replies)
    return {
        "clients": _CLIENTS,
        "rows": _ROWS,
        "seconds": seconds,
        "answered": answered,
        "failed": sum(reply.failed for reply in replies),
        "failures": [failure for reply in replies for failure in reply.failures],
        "slowest_s": max((latency for reply in replies for latency in reply.latencies), default=None),
        "peak_mib": peak,
    }


def over_versions(work: Path) -> dict[str, Any]:
    """A hundred changes of version, pushes and rollbacks in turn, with a call after each: memory in MiB after every one."""
    home = _home(work / "versions", GREY_28)
    base = Home.at(home).model_base("mnist")
    model = work / "versions" / "model"
    metadata = read_metadata(model)
    resident = []
    with servers.forger(home, "--poll-seconds", "0.05") as running, GeneratorClient(running.target, base.name) as client:
        for number in range(_CHANGES):
            if number % 2:
                wanted = roll_back(base).stable
            else:
                write_metadata(model, {**metadata, contract.META_TRAINING_KEY: f"untrained {number}"})  # another model
                wanted = push_model(model, base, run_id="benchmark", verdict={}, keep_versions=3).version
            wait_until(lambda wanted=wanted: client.at(label="stable").metadata().version == wanted, 60)
            client.sample(range(_ROWS), [0] * _ROWS)
            time.sleep(0.2)  # the version before is unloaded
            resident.append(_mebibytes(running.pid, "VmRSS"))
    return {"changes": _CHANGES, "resident_mib": resident}


def _home(work: Path, shape: ImageShape) -> Path:
    model = generator.build(work / "model", 1, shape)
    push_model(model, Home.at(work / "home").model_base("mnist"), run_id="benchmark", verdict={}, keep_versions=5)
    return work / "home"


def _mebibytes(pid: int, field: str) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith(field))
