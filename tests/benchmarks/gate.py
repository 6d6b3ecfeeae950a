"""`python -m tests.benchmarks.gate`: what an evaluation costs, and how often its comparison is right.

`cost`: the gate's own executor on N real and N generated images with a baseline, N up to 60,000, each in a fresh process.
`power`: how often an equal generator passes and a 20 % worse one is refused, by resampling; both should be 95 of 100 times.
Prints tables and writes JSON and a picture.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from tests.benchmarks.machine import cpu

_RESULTS = Path(__file__).parent / "results"
_COUNTS = (2500, 5000, 10_000, 20_000, 40_000, 60_000)


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("cost", "power", "one"))
    parser.add_argument("--data", type=Path, required=True, help="a prepared MNIST, e.g. .forger/data/mnist/3.0.1")
    parser.add_argument("--judge", type=Path, help="a judge artifact; without it a quick one is trained")
    parser.add_argument("--model", type=Path, help="a generator's SavedModel directory, for `power`")
    parser.add_argument("--counts", type=int, nargs="+", default=_COUNTS)
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--out", type=Path, default=_RESULTS)
    options = parser.parse_args()
    if options.what == "one":
        print(json.dumps(measure_one(options.data, options.judge, options.counts[0])))
    elif options.what == "cost":
        measure_cost(options)
    else:
        measure_power(options)


def measure_cost(options: argparse.Namespace) -> None:
    """Run each N in a process of its own, so that a peak is that of its N alone."""
    from tests.unit.gate.builders import digits, save_judge, tiny_judge

    rows = []
    with tempfile.TemporaryDirectory() as directory:
        judge = options.judge or save_judge(
            Path(directory) / "judge", tiny_judge(options.data), *digits(options.data, "train[:12000]")
        )
        for count in options.counts:
            command = [sys.executable, "-m", "tests.benchmarks.gate", "one", "--data", options.data, "--judge", judge]
            done = subprocess.run([*map(str, command), "--counts", str(count)], capture_output=True, text=True, check=True)
            rows.append(json.loads(done.stdout.splitlines()[-1]))
            print(rows[-1], flush=True)
    _write(options.out / "gate_cost.json", {"cpu": cpu(), "slices": 11, "baseline": True, "rows": rows})
    _draw_cost(options.out / "gate_cost.png", rows)


def measure_one(data: Path, judge: Path, count: int) -> dict[str, Any]:
    """Judge a generator that replays real images, against a baseline that does the same: no network's own time is in it."""
    from components.gate.settings import GateSettings
    from tests.unit.gate.builders import Replay, digits, run_gate, save_examples, save_generator

    names = [str(label) for label in range(10)]
    images, labels = digits(data, "train")
    pool, pool_labels = digits(data, "test")
    with tempfile.TemporaryDirectory() as directory:
        home = Path(directory)
        examples = save_examples(home / "examples", images[:count], labels[:count], shards=2)
        model, served = (save_generator(home / name, Replay(pool, pool_labels), names) for name in ("model", "served"))
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        began, cpu_began = time.monotonic(), time.process_time()
        settings = GateSettings(max_examples=max(count, 10))
        verdict, _, _ = run_gate(
            home / "run", examples=examples, judge=judge, model=model, baseline=served, class_names=names, settings=settings
        )
        return {
            "examples": verdict.examples,
            "seconds": round(time.monotonic() - began, 1),
            "cpu_seconds": round(time.process_time() - cpu_began, 1),
            "peak_mib_before": before >> 10,
            "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10,
        }


def measure_power(options: argparse.Namespace) -> None:
    """Compare resampled equals, and a served generator with one that is 20 % farther off.

    Each trial draws the real images' partners anew, with replacement, from a pool of the generator's samples. The worse generator
    is the same one with a share of its samples blurred, the share tuned until the distance between the large pools and the real
    images has grown by a fifth.
    """
    from components.gate.extractors import content_keys
    from components.gate.frechet import Moments, frechet_between
    from components.gate.noise import compare, margin
    from components.gate.settings import GateSettings
    from components.judge.features import load_judge
    from serving.local import LocalGenerator
    from tests.unit.gate.builders import digits

    judge, generator = load_judge(options.judge), LocalGenerator(options.model)
    images, labels = digits(options.data, "test")
    real = judge.features(images)[0]
    keys = content_keys(images)
    drawn = [generator.sample(keys ^ (number + 1), labels)[0] for number in range(3)]
    pools = np.stack([judge.features(some)[0] for some in drawn])  # [3, N, D]
    blurred = np.stack([judge.features(_blur(some))[0] for some in drawn])
    truth = Moments.of(real)

    def distance(share: float) -> float:
        chosen = np.random.default_rng(0).random(pools.shape[:2]) < share
        return frechet_between(Moments.of(np.where(chosen[..., None], blurred, pools).reshape(-1, real.shape[1])), truth)

    fine, low, high = distance(0.0), 0.0, 1.0
    for _ in range(20):
        middle = (low + high) / 2
        low, high = (middle, high) if distance(middle) < 1.2 * fine else (low, middle)
    least = GateSettings().max_frechet_increase
    outcomes = {"equal": [], "worse": []}
    margins = []
    for trial in range(options.trials):
        rng = np.random.default_rng(trial)
        rows = np.arange(len(real))
        served, other = (pools[rng.integers(0, 3, len(real)), _within(labels, rng)] for _ in range(2))
        places = rng.integers(0, 3, len(real)), _within(labels, rng)
        worse = np.where((rng.random(len(rows)) < high)[:, None], blurred[places], pools[places])
        order = rng.permutation(len(real))
        for name, candidate in (("equal", other), ("worse", worse)):
            increase, error = compare(real[order], candidate[order], served[order])
            outcomes[name].append(increase)
            margins.append(margin(least, error))
            outcomes[f"{name}_passes"] = outcomes.get(f"{name}_passes", 0) + (increase <= margins[-1])
    found = {
        "cpu": cpu(),
        "trials": options.trials,
        "images": len(real),
        "blurred_share": round(high, 4),
        "equal_passes": outcomes["equal_passes"] / options.trials,
        "worse_refused": 1 - outcomes["worse_passes"] / options.trials,
        "increase_of_equals": [round(float(np.mean(outcomes["equal"])), 4), round(float(np.std(outcomes["equal"])), 4)],
        "increase_of_worse": [round(float(np.mean(outcomes["worse"])), 4), round(float(np.std(outcomes["worse"])), 4)],
        "margin": [round(float(np.mean(margins)), 4), round(float(np.max(margins)), 4)],
    }
    print(json.dumps(found, indent=1))
    _write(options.out / "gate_power.json", found)


def _within(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Choose for each row, with replacement, a row of the same class."""
    chosen = np.zeros(len(labels), np.int64)
    for label in np.unique(labels):
        places = np.flatnonzero(labels == label)
        chosen[places] = rng.choice(places, len(places))
    return chosen


def _blur(images: np.ndarray) -> np.ndarray:
    wide = images.astype(np.float32)
    for axis in (1, 2):
        wide = sum(np.roll(wide, shift, axis) for shift in (-1, 0, 1)) / 3
    return wide.astype(np.uint8)


def _write(path: Path, found: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def _draw_cost(path: Path, rows: list[dict[str, Any]]) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 3.2), layout="constrained")
    counts = [row["examples"] for row in rows]
    for axes, key, unit in zip(figure.subplots(1, 2), ("seconds", "peak_mib"), ("seconds", "peak memory, MiB"), strict=True):
        axes.plot(counts, [row[key] for row in rows], "o-", color="#2563eb")
        axes.set(xlabel="real images (and as many generated, and as many of the baseline)", ylabel=unit, ylim=(0, None))
        axes.grid(alpha=0.3)
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    main()
