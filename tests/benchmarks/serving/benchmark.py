"""Run the serving benchmarks, print a table, write JSON."""

from __future__ import annotations

import argparse
import json
import os
import platform
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from components.push.layout import push_model
from pipeline.environment import prepare_tensorflow
from pipeline.home.home import Home
from tests.benchmarks.machine import cpu
from tests.benchmarks.serving import crowd, generator, rates, swaps

_PARTS = ("saved_model", "batching", "rivals", "crowd", "versions", "swaps")


def main() -> None:
    """Measure what the arguments ask for."""
    parser = argparse.ArgumentParser(prog="make bench ARGS='serving ...'", description=__doc__)
    parser.add_argument("--parts", nargs="+", choices=_PARTS, default=list(_PARTS))
    parser.add_argument("--seconds", type=float, default=6.0, help="of each load of the rates")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of which the median counts")
    parser.add_argument("--swap-seconds", type=float, default=60.0)
    parser.add_argument("--crowd-seconds", type=float, default=60.0)
    parser.add_argument("--out", type=Path, default=Path("bench-serving.json"))
    options = parser.parse_args()
    prepare_tensorflow(quiet=True)
    with tempfile.TemporaryDirectory(prefix="forger-bench-") as directory:
        measured = _measure(Path(directory), options)
    options.out.write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")
    show(measured, Console(highlight=False, width=130))


def _measure(work: Path, options: argparse.Namespace) -> dict[str, Any]:
    models = [generator.build(work / f"model-{seed}", seed) for seed in (1, 2)]
    home = work / "home"
    base = Home.at(home).model_base("mnist")
    push_model(models[0], base, run_id="benchmark", verdict={}, keep_versions=5)
    seconds, rounds = options.seconds, options.rounds
    parts: dict[str, Callable[[], dict[str, Any]]] = {
        "saved_model": lambda: rates.against_saved_model(home, models[0], seconds, rounds),
        "batching": lambda: rates.batching(home, models[0], seconds, rounds),
        "rivals": lambda: rates.beside_rivals(home, models[0], work, seconds, rounds),
        "crowd": lambda: crowd.under_crowd(work, options.crowd_seconds),
        "versions": lambda: crowd.over_versions(work),
        "swaps": lambda: swaps.under_load(home, base, models[::-1], options.swap_seconds),
    }
    machine = {"cpu": cpu(), "cores": os.cpu_count(), "system": platform.platform(), "load": os.getloadavg()[0]}
    measured: dict[str, Any] = {"machine": machine, "seconds": seconds, "rounds": rounds}
    for name in _PARTS:  # the swaps last: they change what is served
        if name in options.parts:
            print(f"{name} ...", flush=True)
            measured[name] = parts[name]()
    return measured


def show(measured: dict[str, Any], console: Console) -> None:
    """Print the measurements as tables."""
    table = Table(
        "what", "figure", "goal", title=f"serving on {measured['machine']['cpu']}, {measured['machine']['cores']} cores"
    )
    if found := measured.get("saved_model"):
        table.add_row(f"SavedModel in process, {found['rows']} rows", f"{found['in_process_images_per_s']:.0f} images/s", "")
        for clients, rate in found["clients"].items():
            table.add_row(f"over gRPC, {clients} clients", f"{rate['images_per_s']:.0f} images/s", "")
        table.add_row("share of in process", f"{found['share_of_in_process']:.0%}", ">= 85%")
    if found := measured.get("batching"):
        for name in ("unbatched", "batched"):
            rate = found[name]
            figure = f"{rate['images_per_s']:.0f} images/s, p50 {rate['p50_ms']:.1f} ms, p99 {rate['p99_ms']:.1f} ms"
            table.add_row(f"32 clients of one row, {name}", figure, "")
        table.add_row("batched over unbatched", f"{found['batched_over_unbatched']:.1f} x", ">= 6 x")
        table.add_row(
            f"share of in process at {found['rows_of_a_batch']:.1f} rows", f"{found['share_of_in_process']:.0%}", ">= 60%"
        )
    for shape, one in measured.get("crowd", {}).items():
        figure = f"{one['answered']} answered, {one['failed']} failed, {one['peak_mib']} MiB at most"
        table.add_row(
            f"{one['clients']} clients of {one['rows']} rows, {shape}, {one['seconds']:.0f} s", figure, "0 failed, < 1536 MiB"
        )
    if found := measured.get("versions"):
        resident = found["resident_mib"]
        table.add_row(
            f"memory over {found['changes']} versions", f"{resident[9]} MiB after 10, {resident[-1]} at the end", "level"
        )
    if found := measured.get("swaps"):
        answered = f"{found['calls']}, {found['answered_per_s']:.0f}/s ({found['answered_per_s_without_changes']:.0f}/s without)"
        table.add_row("calls while versions change", answered, "")
        table.add_row("failed", str(found["failed"]), "0")
        table.add_row("p99 with, without changes", f"{found['p99_ms']:.1f} ms, {found['p99_ms_without_changes']:.1f} ms", "")
        table.add_row("p99 ratio", f"{found['p99_ratio']:.2f}", "<= 2")
    if table.row_count:
        console.print(table)
    if found := measured.get("rivals"):
        table = Table("one-row clients", "server", "images/s", "p50 ms", "p99 ms", "failed")
        for clients in map(str, rates.CLIENTS):
            for name, by in found.items():
                rate = by[clients]
                figures = f"{rate['images_per_s']:.0f}", f"{rate['p50_ms']:.2f}", f"{rate['p99_ms']:.2f}", str(rate["failed"])
                table.add_row(clients, name, *figures)
        console.print(table)
