"""The `conv` recipe trained anew for each of several times and seeds: mean and spread of the gate's figures.

`make bench ARGS="seeds --out DIRECTORY"` writes seeds.json there; `make run` comes first, for the judge. What is there already is
not trained again.
"""

from __future__ import annotations

import argparse
import json
import statistics
from pathlib import Path

from rich.console import Console
from rich.table import Table

from pipeline.home.home import Home
from tests.benchmarks.machine import cpu
from tests.benchmarks.training import keep_to

_FIGURES = ("frechet_ratio", "precision", "recall", "coverage")
_ROWS = 10_000


def main() -> None:
    """Train, judge, print, write."""
    parser = argparse.ArgumentParser(prog="make bench ARGS=seeds", description=__doc__.splitlines()[0])
    parser.add_argument("--home", type=Path, default=Path(".forger"), help="where a run has left its judge")
    parser.add_argument("--out", type=Path, default=Path("seeds"), help="directory for the results")
    parser.add_argument("--seconds", type=int, nargs="+", default=[60, 300], help="times of training, each with its own schedule")
    parser.add_argument("--set", dest="changes", action="append", default=[], metavar="KEY=VALUE", help="as of `forger run`")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    options = parser.parse_args()
    from pipeline.sampling.evaluate import Yardstick
    from tests.benchmarks.peers.benchmark import Judge, save_data, train

    keep_to(options.out, options.changes)
    data = options.out / "data.npz"
    yardstick = Yardstick.of(Home.at(options.home), "mnist", _ROWS)
    save_data(yardstick, data)
    for seconds in options.seconds:
        for seed in options.seeds:
            if not (options.out / str(seed) / f"{seconds}.npz").exists():
                train("forger", data, options.out / str(seed), str(seconds), seed, options.changes)
    judge = Judge(yardstick)
    looks = {
        str(seconds): [judge.look(options.out / str(seed) / f"{seconds}.npz") for seed in options.seeds]
        for seconds in options.seconds
    }
    measured = {"machine": cpu(), "rows": _ROWS, "seeds": options.seeds, "changes": options.changes, "looks": looks}
    (options.out / "seeds.json").write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")
    table = Table("seconds of training", "images/s", *_FIGURES, "peak MiB")
    for seconds, found in looks.items():
        spread = [f"{_mean(found, figure):.3f} ± {_deviation(found, figure):.3f}" for figure in _FIGURES]
        table.add_row(seconds, f"{_mean(found, 'images_per_second'):.0f}", *spread, f"{_mean(found, 'peak_mib'):.0f}")
    console = Console(width=140)
    console.print(f"{cpu()}, {_ROWS:,} images against the test split, mean ± standard deviation of {len(options.seeds)} seeds")
    console.print(table)


def _mean(looks: list[dict[str, float]], figure: str) -> float:
    return statistics.fmean(look[figure] for look in looks)


def _deviation(looks: list[dict[str, float]], figure: str) -> float:
    return statistics.stdev(look[figure] for look in looks) if len(looks) > 1 else 0.0


if __name__ == "__main__":
    main()
