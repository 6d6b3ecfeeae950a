"""Measure each step on each size and engine, one cell at a time; a cell that is in the results already is not measured again."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from pipeline.environment import prepare_tensorflow
from serving.repository.durable import replace_file
from tests.benchmarks.machine import cpu
from tests.benchmarks.scale.engines import ENGINES, LOCAL, engine
from tests.benchmarks.scale.grid import NEEDS, STEPS, done_file, key
from tests.benchmarks.scale.plots import draw
from tests.benchmarks.scale.tables import tables, write_into
from tests.benchmarks.scale.watch import measure

_RESULTS = Path(__file__).parents[1] / "results"
_SIZES = (70_000, 350_000, 1_400_000)


def main() -> None:
    """Measure what the arguments ask for, then print and draw all there is."""
    parser = argparse.ArgumentParser(prog="make bench-scale", description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=list(_SIZES), metavar="IMAGES")
    parser.add_argument("--engines", nargs="+", choices=ENGINES, default=list(ENGINES))
    parser.add_argument("--steps", nargs="+", choices=STEPS, default=list(STEPS))
    parser.add_argument("--data-dir", type=Path, default=Path(".forger/data"), help="a data_dir with MNIST in it")
    parser.add_argument("--work", type=Path, help="where inputs and outputs lie, 3 GB at 1.4 M images; kept if named")
    parser.add_argument("--limit", type=float, default=3600.0, metavar="SECONDS", help="of one cell")
    parser.add_argument("--again", action="store_true", help="measure cells again that are in the results")
    parser.add_argument("--out", type=Path, default=_RESULTS / "scale.json")
    parser.add_argument("--docs", type=Path, metavar="FILE", help="also put the tables into this page, docs/growth.md")
    options = parser.parse_args()
    prepare_tensorflow(quiet=True)
    with tempfile.TemporaryDirectory(prefix="forger-scale-") as scratch:
        _measure_all((options.work or Path(scratch)).absolute(), options)
    measured = _read(options.out)
    print(tables(measured))
    if options.docs:
        write_into(options.docs, measured)
    draw(measured, options.out.with_suffix(".png"))


def _measure_all(work: Path, options: argparse.Namespace) -> None:
    work.mkdir(parents=True, exist_ok=True)
    cells = [(size, name, step) for size in sorted(options.sizes) for name in options.engines for step in options.steps]
    for number, (size, name, step) in enumerate(cells, start=1):
        known = _read(options.out)["cells"]
        if "seconds" in known.get(key(step, name, size), {}) and not options.again:
            continue
        print(f"{number}/{len(cells)} {step}, {size} images, {name} ...", flush=True)
        try:
            _provide(work, size, step, options)
            found = _measure_cell(work, size, name, step, options.limit)
        except Exception as error:  # also of a cluster that does not start: one cell must not end hours of others
            found = {"failed": (str(error).strip() or repr(error)).splitlines()[0]}
        print(f"  {json.dumps(found)}", flush=True)
        _record(options.out, key(step, name, size), found)


def _provide(work: Path, size: int, step: str, options: argparse.Namespace) -> None:
    """Make what a cell reads, if it isn't there: the data, and what earlier steps write, by the local runner."""
    if not done_file(work, size, "prepare").is_file():
        command = [sys.executable, "-m", "tests.benchmarks.scale.prepare", work, size, "--data-dir", options.data_dir.absolute()]
        measure(list(map(str, command)), work / f"prepare-{size}.log", options.limit)
    for needed in NEEDS[step]:
        if not done_file(work, size, needed).is_file():
            _measure_cell(work, size, LOCAL, needed, options.limit)


def _measure_cell(work: Path, size: int, name: str, step: str, limit_s: float) -> dict[str, Any]:
    log = work / f"{step}-{name}-{size}.log"
    with engine(name) as options:
        command = [sys.executable, "-m", "tests.benchmarks.scale.steps", step, str(work), str(size)]
        return measure([*command, "--engine", json.dumps(options)], log, limit_s)


def _read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {"machine": {}, "cells": {}}


def _record(path: Path, cell: str, found: dict[str, Any]) -> None:
    """Add a cell to the results at once: a benchmark of hours may be stopped at any time."""
    measured = _read(path)
    measured["machine"] = {"cpu": cpu(), "cores": os.cpu_count(), "system": platform.platform()}
    measured["cells"][cell] = found | {"load": round(os.getloadavg()[0], 2), "at": time.strftime("%Y-%m-%d %H:%M")}
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, (json.dumps(measured, indent=1) + "\n").encode())
