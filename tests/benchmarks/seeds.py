"""The `conv` recipe trained anew for each of several times and seeds: mean and spread of what a recipe is chosen by.

`make bench ARGS="seeds --out DIRECTORY"` writes seeds.json there; `forger data fetch` comes first. What is there already is not
trained again. It trains on and judges by parts of the train split: the test split has no part in it.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import statistics
from pathlib import Path
from typing import Any

from pipeline.environment import prepare_tensorflow

prepare_tensorflow(quiet=True)

from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402

from pipeline.home.home import Home  # noqa: E402
from tests.benchmarks import validation  # noqa: E402
from tests.benchmarks.machine import cpu  # noqa: E402
from tests.benchmarks.peers.contenders.forger import make  # noqa: E402
from tests.benchmarks.training import keep_to  # noqa: E402

_FIGURES = (*validation.FIGURES, *validation.USE_FIGURES)


def main() -> None:
    """Train, judge, print, write."""
    parser = argparse.ArgumentParser(prog="make bench ARGS=seeds", description=__doc__.splitlines()[0])
    parser.add_argument("--home", type=Path, default=Path(".forger"), help="where the data lie")
    parser.add_argument("--out", type=Path, default=Path("seeds"), help="directory for the results")
    parser.add_argument("--seconds", type=int, nargs="+", default=[60, 300], help="times of training, each with its own schedule")
    parser.add_argument("--set", dest="changes", action="append", default=[], metavar="KEY=VALUE", help="as of `forger run`")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    options = parser.parse_args()
    keep_to(options.out, options.changes)
    path, data_dir = options.out / "seeds.json", Home.at(options.home).data
    measured = json.loads(path.read_text("utf-8")) if path.exists() else {"machine": cpu(), "looks": {}}
    for seed in options.seeds:
        for seconds in options.seconds:
            looks = measured["looks"].setdefault(str(seconds), {})
            if str(seed) not in looks:
                # A process each, so that each has a peak of its own.
                with multiprocessing.get_context("spawn").Pool(1) as pool:
                    looks[str(seed)] = pool.apply(train, (seconds, seed, options.changes, data_dir, options.out))
                path.write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")
    show(measured)


def train(seconds: int, seed: int, changes: list[str], data_dir: Path, out: Path) -> dict[str, Any]:
    """Train for a time and measure what it gave."""
    trained_on, held_out = validation.load(data_dir, out / "mnist.npz")
    ours = make(*trained_on, seconds, seed, changes)
    took = ours.train(seconds)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    judge = validation.ValidationJudge(trained_on, held_out, out)
    return {
        "seconds": took,
        "steps": int(ours.state.step.numpy()),
        "images_per_second": ours.images_seen / took,
        "peak_mib": peak,
        **judge.score(ours.draw),
        **validation.usefulness(trained_on, held_out, ours.draw),
    }


def show(measured: dict[str, Any]) -> None:
    """Print a table."""
    table = Table("seconds", "seeds", "steps", *(name.replace("_", " ") for name in _FIGURES), "peak MiB")
    for seconds, by_seed in measured["looks"].items():
        looks = list(by_seed.values())
        spread = [f"{_mean(looks, figure):.3f} ± {_deviation(looks, figure):.3f}" for figure in _FIGURES]
        table.add_row(seconds, f"{len(looks)}", f"{_mean(looks, 'steps'):.0f}", *spread, f"{_mean(looks, 'peak_mib'):.0f}")
    console = Console(width=200)
    console.print(
        f"{measured['machine']}, a slice of {validation.SLICE:,} train images, other judges than the gate's; mean ± deviation"
    )
    console.print(table)


def _mean(looks: list[dict[str, float]], figure: str) -> float:
    return statistics.fmean(look[figure] for look in looks)


def _deviation(looks: list[dict[str, float]], figure: str) -> float:
    return statistics.stdev(look[figure] for look in looks) if len(looks) > 1 else 0.0


if __name__ == "__main__":
    main()
