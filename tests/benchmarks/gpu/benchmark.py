"""All that is to be measured on a machine with a GPU, in parts that a lost machine can't undo.

`make bench ARGS="gpu --out DIRECTORY"`; `--data DIR` adds a folder of images. Each part writes a file of its own, the shortest
come first, and what is there already is not measured again. Without a GPU it measures the CPU: `--profile smoke` tries it out.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from components.gan.training.journal_files import read_metrics
from pipeline.config import resolve_config
from pipeline.home.home import Home
from pipeline.home.run_record import load_all
from tests.benchmarks.machine import cpu
from tests.benchmarks.training import Measured, keep_to

_PRECISIONS = ("float32", "bfloat16")
_CURVE = ("width", "batch_size")  # what the curve takes from the profile; its steps follow from the time
_FIGURES = ("frechet_ratio", "train_frechet_ratio", "precision", "recall", "coverage")


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(prog="make bench ARGS=gpu", description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("gpu"), help="directory for the results, and for the runs' home")
    parser.add_argument("--profile", default="full")
    parser.add_argument("--data", type=Path, metavar="DIR", help="a folder of images, measured after MNIST")
    parser.add_argument("--marks", default="5,10,15,30,60,120,300", help="seconds of training at which the curve is looked at")
    parser.add_argument("--set", dest="changes", action="append", default=[], metavar="KEY=VALUE", help="as of `forger run`")
    options = parser.parse_args()
    out = options.out.resolve()
    keep_to(out, [options.profile, *options.changes])
    changes = [part for change in options.changes for part in ("--set", change)]
    for precision in _PRECISIONS:
        speed = ["speed", "--profile", options.profile, *changes, "--set", f"gan.precision={precision}"]
        _part(out / f"speed_{precision}.json", lambda path, speed=speed: _benchmark(*speed, "--out", str(path)))
    _part(out / "resume.json", lambda path: _benchmark("gpu.resume", str(path)))
    gan = resolve_config(options.profile, options.changes).gan
    changes += [part for name in _CURVE for part in ("--set", f"gan.{name}={getattr(gan, name)}")]
    for name, data in {"mnist": [], **({"folder": ["--data", str(options.data.resolve())]} if options.data else {})}.items():
        run = [*data, "--profile", options.profile, *changes]
        _part(out / f"run_{name}.json", lambda path, run=run: path.write_text(json.dumps(whole_run(out / "home", run), indent=1)))
        curve = ["peers", "--contenders", "forger", "--home", str(out / "home"), *data, "--marks", options.marks, *changes]
        _part(out / f"curve_{name}" / "peers.json", lambda path, curve=curve: _benchmark(*curve, "--out", str(path.parent)))
    show({str(path.relative_to(out)): json.loads(path.read_text(encoding="utf-8")) for path in sorted(out.glob("*_*.json"))})


def _part(path: Path, measure: Callable[[Path], Any]) -> None:
    """Measure one part unless its file is there."""
    if not path.exists():
        print(f"measuring {path}", flush=True)
        measure(path)


def _benchmark(name: str, *arguments: str) -> None:
    """Run another benchmark in a process of its own: TensorFlow gives a device's memory back only when it ends."""
    command = ["-m", f"tests.benchmarks.{name}"] if "." in name else ["-m", "tests.benchmarks", name]
    subprocess.run([sys.executable, *command, *arguments], check=True)


def whole_run(home: Path, options: list[str]) -> Measured:
    """Run the pipeline as a user does.

    Args:
        home: The home; what is cached there is not made again.
        options: Of `forger run`.

    Returns:
        State, seconds of the whole and of its nodes, the training's rate, and the verdict's main figures.
    """
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-m", "pipeline.cli", "run", "--home", str(home), *options], check=False)
    if done.returncode not in (0, 1):  # 1 is a refused candidate: a result, too
        sys.exit(f"forger run {' '.join(options)} ended with status {done.returncode}")
    seconds = time.monotonic() - began
    record = load_all(Home.at(home).runs)[0]
    return {
        "machine": cpu(),
        "options": options,
        "state": record.state,
        "seconds": {"whole run": seconds, **{node.id: node.seconds for node in record.nodes}},
        "images_per_second": read_metrics(Path(record.training))[-1]["images_per_second"],
        "figures": {name: (record.verdict or {}).get("figures", {}).get(name) for name in _FIGURES},
    }


def show(parts: dict[str, Measured]) -> None:
    """Print what was measured, one row a part."""
    table = Table("part", "device", "images/s", "peak MiB", "whole run", *_FIGURES)
    for name, part in parts.items():
        figures = part.get("figures", {})
        table.add_row(
            name,
            part.get("device", part["machine"]),
            f"{part['images_per_second']:.0f}",
            f"{part['peak_mib']:.0f}" if "peak_mib" in part else "",
            f"{part['seconds']['whole run']:.0f} s, {part['state']}" if figures else "",
            *("" if figures.get(one) is None else f"{figures[one]:.3f}" for one in _FIGURES),
        )
    Console(width=160).print(table)
