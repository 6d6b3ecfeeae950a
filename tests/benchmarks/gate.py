"""`python -m tests.benchmarks.gate`: what an evaluation costs, and how often its comparison is right.

`cost`: the gate's own executor on N real and N generated images with a baseline, N up to 60,000, each in a fresh process that
does nothing else.
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
_POOL = 8  # samples drawn for each real image, of which each trial takes a few
_NAMES = [str(label) for label in range(10)]
_MODELS = ("model", "served")
_COUNTS = (2500, 5000, 10_000, 20_000, 40_000, 60_000)


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("cost", "power", "one"))
    parser.add_argument("--work", type=Path, help=argparse.SUPPRESS)  # what `cost` hands to `one`
    parser.add_argument("--data", type=Path, help="a prepared MNIST, e.g. .forger/data/mnist/3.0.1")
    parser.add_argument("--judge", type=Path, help="a judge artifact; without it a quick one is trained")
    parser.add_argument("--model", type=Path, help="a generator's SavedModel directory, for `power`")
    parser.add_argument("--counts", type=int, nargs="+", default=_COUNTS)
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--out", type=Path, default=_RESULTS)
    options = parser.parse_args()
    if options.what != "one" and options.data is None:
        parser.error("--data is missing")
    if options.what == "one":
        print(json.dumps(measure_one(options.work, options.counts[0])))
    elif options.what == "cost":
        measure_cost(options)
    else:
        measure_power(options)


def measure_cost(options: argparse.Namespace) -> None:
    """Run each N in a process of its own, so that a peak is that of its N alone."""
    rows = []
    with tempfile.TemporaryDirectory() as directory:
        work = Path(directory)
        _prepare(work, options)
        for count in options.counts:
            command = [sys.executable, "-m", "tests.benchmarks.gate", "one", "--work", directory, "--counts", str(count)]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            rows.append(json.loads(done.stdout.splitlines()[-1]))
            print(rows[-1], flush=True)
    _write(options.out / "gate_cost.json", {"cpu": cpu(), "slices": 11, "baseline": True, "rows": rows})
    _draw_cost(options.out / "gate_cost.png", rows)


def _prepare(work: Path, options: argparse.Namespace) -> None:
    """Lay out the artifacts: a generator replays real images, and so does the baseline; no network's own time is in it."""
    from tests.support.gate_builders import (
        Replay,
        digits,
        save_calibration,
        save_examples,
        save_generator,
        save_judge,
        tiny_judge,
    )

    some = digits(options.data, "train[:12000]")
    if options.judge:
        (work / "judge").symlink_to(options.judge.resolve())
    else:
        save_judge(work / "judge", tiny_judge(options.data), *some)
    save_calibration(work / "calibration", work / "judge", *some)
    images, labels = digits(options.data, "train")
    for count in options.counts:
        save_examples(work / f"examples-{count}", images[:count], labels[:count], shards=2)
    for name in _MODELS:
        save_generator(work / name, Replay(*digits(options.data, "test")), _NAMES)


def measure_one(work: Path, count: int) -> dict[str, Any]:
    """Run the gate on artifacts that lie ready."""
    from components.gate.settings import GateSettings
    from tests.support.gate_builders import run_gate

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began, cpu_began = time.monotonic(), time.process_time()
    model, served = (work / name for name in _MODELS)
    verdict, _, _ = run_gate(
        work / f"run-{count}",
        examples=work / f"examples-{count}",
        judge=work / "judge",
        calibration=work / "calibration",
        model=model,
        baseline=served,
        class_names=_NAMES,
        settings=GateSettings(max_examples=max(count, 10)),
    )
    return {
        "examples": verdict.examples,
        "seconds": round(time.monotonic() - began, 1),
        "cpu_seconds": round(time.process_time() - cpu_began, 1),
        "peak_mib_before": before >> 10,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10,
    }


def measure_power(options: argparse.Namespace) -> None:
    """Compare equals, and a served generator with one that is 20 % farther off.

    In each trial both sides get other draws, for each real image, out of a pool of the generator's samples: what a retraining
    that ends as good as before does. The worse generator is the same one with a share of its samples blurred, the share tuned
    until its distance to the real images has grown by a fifth.
    """
    from components.gate.combiners.keys import content_keys
    from components.gate.combiners.quality import FLOOR_IMAGES
    from components.gate.figures.comparison import compare, margin
    from components.gate.figures.frechet import Moments, by_part, chance_of, frechet_between
    from components.gate.settings import GateSettings
    from components.judge.features import load_judge
    from serving.saved_model.generator import LocalGenerator
    from tests.support.gate_builders import digits

    settings, judge, generator = GateSettings(), load_judge(options.judge), LocalGenerator(options.model)
    images, labels = digits(options.data, "test")
    real, keys, rows = judge.features(images)[0], content_keys(images), np.arange(len(images))
    drawn = [generator.sample(keys ^ number, labels)[0] for number in range(_POOL)]
    pool = np.stack([judge.features(some)[0] for some in drawn], axis=1)  # [N, pool, D]
    blurred = np.stack([judge.features(_blur(some))[0] for some in drawn], axis=1)
    chance = 2 * chance_of(Moments.of(real[::2]), Moments.of(real[1::2])) / FLOOR_IMAGES
    truth, level = Moments.of(real), np.random.default_rng(0).random(pool.shape[:2])[..., None]

    def distance(share: float) -> float:
        chosen = np.where(level < share, blurred, pool)
        return float(np.mean([frechet_between(Moments.of(chosen[:, place]), truth) for place in range(_POOL)]))

    fine, low, high = distance(0.0), 0.0, 1.0
    for _ in range(12):
        middle = (low + high) / 2
        low, high = (middle, high) if distance(middle) < 1.2 * fine else (low, middle)
    found: dict[str, Any] = {"cpu": cpu(), "trials": options.trials, "images": len(real), "blurred_share": round(high, 4)}
    for draws in sorted({1, settings.comparison_draws}):
        increases, margins = {"equal": [], "worse": []}, {"equal": [], "worse": []}
        for trial in range(options.trials):
            rng = np.random.default_rng(trial)
            places = np.argsort(rng.random(pool.shape[:2]), axis=1)
            served, ours = (rows[:, None], places[:, :draws]), (rows[:, None], places[:, draws : 2 * draws])
            worse = np.where(rng.random((*ours[1].shape, 1)) < high, blurred[ours], pool[ours])
            parts = rng.permutation(len(real))
            for name, candidate in (("equal", pool[ours]), ("worse", worse)):
                increase, error = compare(*(by_part(side, parts) for side in (real, candidate, pool[served])), chance)
                increases[name].append(increase)
                margins[name].append(margin(settings.max_frechet_increase, error))
        passes = {name: float(np.mean(np.array(increases[name]) <= margins[name])) for name in increases}
        found[f"{draws} draws"] = {
            "equal_passes": passes["equal"],
            "worse_refused": 1 - passes["worse"],
            **{f"increase_of_{name}": _mean_and_spread(values) for name, values in increases.items()},
            "margin": _mean_and_spread(margins["equal"] + margins["worse"]),
        }
    print(json.dumps(found, indent=1))
    _write(options.out / "gate_power.json", found)


def _mean_and_spread(values: list[float]) -> list[float]:
    return [round(float(np.mean(values)), 4), round(float(np.std(values)), 4)]


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
        axes.set(ylabel=unit, ylim=(0, None))
        axes.grid(alpha=0.3)
    figure.supxlabel("real images compared with the candidate's and the served version's", fontsize="medium")
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    main()
