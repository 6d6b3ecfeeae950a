"""Versions change under load: pushes, rollbacks and a broken version while clients draw, without one failed call."""

from __future__ import annotations

import itertools
import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np

from components.push.layout import push_model
from serving.repository import contract
from serving.repository.labels import release, roll_back
from serving.repository.layout import version_directories
from tests.benchmarks.serving import servers
from tests.benchmarks.serving.load import Load
from tests.benchmarks.serving.measure import collect, measure, start_loaders

CHANGES = 20
_CLIENTS = 8
_SHARE = 0.7  # of the highest rate
_WARM_UP = 2.0  # seconds


def under_load(home: Path, base: Path, models: list[Path], seconds: float) -> dict[str, Any]:
    """Load at 70 % of the maximum, first undisturbed, then while versions change.

    Args:
        home: The home of a server that is started here.
        base: Its model base directory.
        models: Two generators, pushed in turn.
        seconds: Length of each of the two loads.

    Returns:
        Calls, failures and p99 of both, their ratio, the versions that were served and the changes that were made.
    """
    with servers.forger(home) as running:
        load = Load(running.target, running.method, running.one_row, _CLIENTS, _WARM_UP, 10.0)
        most = measure(load, 1)[0].images_per_s
        steady = Load(running.target, running.method, running.one_row, _CLIENTS, _WARM_UP, seconds, _SHARE * most)
        quiet = collect(start_loaders(steady))
        loaders = start_loaders(steady)
        time.sleep(_WARM_UP)
        made, seen = _change(base, models, seconds, running)
        disturbed = collect(loaders)
    latencies = [np.concatenate([reply.latencies for reply in replies]) for replies in (quiet, disturbed)]
    p50, p99 = (tuple(float(np.percentile(of, share)) * 1000 for of in latencies) for share in (50, 99))
    return {
        "seconds": seconds,
        "asked_per_s": _SHARE * most,
        "answered_per_s_without_changes": len(latencies[0]) / seconds,
        "answered_per_s": len(latencies[1]) / seconds,
        "calls": len(latencies[1]),
        "failed": sum(reply.failed for reply in disturbed),
        "failures": [failure for reply in disturbed for failure in reply.failures],
        "p50_ms_without_changes": p50[0],
        "p50_ms": p50[1],
        "p99_ms_without_changes": p99[0],
        "p99_ms": p99[1],
        "p99_ratio": p99[1] / p99[0],
        "changes": made,
        "versions_seen": sorted(seen),
    }


def _change(base: Path, models: list[Path], seconds: float, running: servers.Running) -> tuple[list[str], set[int]]:
    """Push and roll back in turn, evenly over the time, and once release a version that can't be loaded."""
    from serving.client import GeneratorClient

    made: list[str] = []
    seen: set[int] = set()
    turns = itertools.cycle(models)
    began = time.monotonic()
    with GeneratorClient(running.target, base.name) as client:
        for number in range(CHANGES):
            if number == CHANGES // 2:
                made.append(f"broken version {_release_broken(base)}")
            elif number % 3 == 2:
                made.append(f"rolled back to {roll_back(base).stable}")
            else:
                pushed = push_model(next(turns), base, run_id="benchmark", verdict={}, keep_versions=5)
                made.append(f"pushed {pushed.version}")
            time.sleep(max(0.0, began + (number + 1) * seconds / CHANGES - time.monotonic()))
            seen.add(client.metadata().version)
    return made, seen


def _release_broken(base: Path) -> int:
    """Put a version with a cut graph in place as if it had been pushed."""
    version = version_directories(base)[-1] + 1
    shutil.copytree(base / str(version - 1), base / str(version))
    graph = base / str(version) / contract.SAVED_MODEL_FILE
    graph.write_bytes(graph.read_bytes()[: graph.stat().st_size // 2])
    release(base, version, canary=False)
    return version
