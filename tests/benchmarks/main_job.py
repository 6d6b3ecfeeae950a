"""`make bench`: the main job from a fresh clone, timed, with the figures that it reached.

Clones the last commit into a temporary directory and types what the README says: `make run`, then the same again. Prints a table
and writes it as JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.benchmarks.machine import cpu

_ROOT = Path(__file__).resolve().parents[2]
_TRAININGS = ("JudgeTrainer", "GanTrainer")
_FIGURES = ("frechet_ratio", "frechet_distance", "precision", "recall", "density", "coverage", "label_agreement")


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(prog="make bench ARGS=...", description=__doc__.splitlines()[0])
    parser.add_argument("--profile", default="quick")
    parser.add_argument("--out", type=Path, default=Path("bench.json"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        measured = measure(Path(directory) / "clone", options.profile)
    options.out.write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")
    show(measured)


def measure(clone: Path, profile: str) -> dict[str, Any]:
    """Run the main job twice in a fresh clone.

    Args:
        clone: Where the clone goes.
        profile: The profile to run.

    Returns:
        Seconds of each part, peak memory in MiB, and the gate's figures.
    """
    subprocess.run(["git", "clone", "--quiet", str(_ROOT), str(clone)], check=True)
    run = ["make", "-C", str(clone), "run", f"ARGS=--profile {profile}"]
    set_up = _timed(["make", "-C", str(clone), "setup"])
    first = _timed(run)
    again = _timed(run)
    help_seconds = min(_timed([str(clone / ".venv/bin/forger"), "--help"]) for _ in range(3))
    status = subprocess.run(
        [str(clone / ".venv/bin/forger"), "status", "--json", "--home", str(clone / ".forger")],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    records = sorted((clone / ".forger" / "runs").glob("*.json"))
    nodes = {node["id"]: node["seconds"] for node in json.loads(records[0].read_text(encoding="utf-8"))["nodes"]}
    verdict = json.loads(status.stdout)["last_run"]["verdict"]
    return {
        "machine": {"cpu": cpu(), "cores": os.cpu_count(), "system": platform.platform()},
        "profile": profile,
        "commit": subprocess.run(
            ["git", "-C", str(_ROOT), "rev-parse", "HEAD"], capture_output=True, text=True, check=True
        ).stdout.strip(),
        "seconds": {
            "set-up": set_up,
            "first run": first,
            "first run without the trainings": first - sum(nodes[node] for node in _TRAININGS),
            "unchanged rerun": again,
            "forger --help": help_seconds,
            **{f"node {node}": seconds for node, seconds in nodes.items()},
        },
        "peak_memory_mib": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024,
        "state": json.loads(status.stdout)["last_run"]["state"],
        "figures": {name: verdict["figures"].get(name) for name in _FIGURES} | {"examples": verdict["examples"]},
        "class_shares": [figures.get("class_share") for figures in verdict["per_class"].values()],
    }


def show(measured: dict[str, Any]) -> None:
    """Print the measurements as a table."""
    console = Console(highlight=False)
    table = Table(
        "what", "value", title=f"{measured['profile']} on {measured['machine']['cpu']}, {measured['machine']['cores']} cores"
    )
    for name, seconds in measured["seconds"].items():
        table.add_row(name, f"{seconds:.2f} s")
    table.add_row("peak memory", f"{measured['peak_memory_mib']} MiB")
    table.add_row("verdict", measured["state"])
    for name, value in measured["figures"].items():
        table.add_row(name, "-" if value is None else f"{value:.4g}")
    console.print(table)


def _timed(command: list[str]) -> float:
    began = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 2):  # make's 2 is a refused candidate: a result, too
        raise SystemExit(f"{' '.join(command)} failed: {done.stderr[-500:]}")
    return time.monotonic() - began
