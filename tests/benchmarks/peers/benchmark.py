"""Every contender trains for equal time on the same cores, one after the other, and the gate's own metrics judge what it draws.

`make bench ARGS="peers --out DIRECTORY"` writes peers.json and quality.png there; `--data DIR` or `--dataset NAME` takes other
images than MNIST's. The judge is that of the home's newest run with those, so `forger run` comes first. What is in the directory
already is not trained again.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipeline.environment import prepare_tensorflow

prepare_tensorflow(quiet=True)

import numpy as np  # noqa: E402

from components.gate.combiners.rows import look, shared_eyes  # noqa: E402
from components.gate.combiners.scoring import OVERALL, Scorer  # noqa: E402
from components.ingest.settings import TRAIN_SPLIT  # noqa: E402
from components.transform.examples import read_examples  # noqa: E402
from pipeline.commands.options import data_changes  # noqa: E402
from pipeline.config import resolve_config  # noqa: E402
from pipeline.home.home import Home  # noqa: E402
from pipeline.sampling.evaluate import Yardstick  # noqa: E402
from tests.benchmarks.machine import cpu  # noqa: E402
from tests.benchmarks.peers import show  # noqa: E402
from tests.benchmarks.peers.contenders import NAMES, SCHEDULED  # noqa: E402
from tests.benchmarks.training import keep_to  # noqa: E402

_MARKS = (15, 30, 45, 60, 90, 120, 150, 180, 210, 240, 270, 300)  # seconds of training at which images are drawn
_ROWS = 10_000
_FIGURES = ("frechet_ratio", "kid", "kid_error", "precision", "recall", "density", "coverage")


def main() -> None:
    """Train, judge, print, write."""
    parser = argparse.ArgumentParser(prog="make bench ARGS=peers", description=__doc__.splitlines()[0])
    parser.add_argument("--home", type=Path, default=Path(".forger"), help="where a run has left its judge")
    parser.add_argument("--out", type=Path, default=Path("peers"), help="directory for the results")
    images = parser.add_mutually_exclusive_group()
    images.add_argument("--data", type=Path, metavar="DIR", help="a folder of images, as of `forger run`")
    images.add_argument("--dataset", help="TFDS name, or folder/NAME")
    parser.add_argument("--contenders", default=",".join(NAMES))
    parser.add_argument("--marks", default=",".join(map(str, _MARKS)), help="seconds of training, ascending")
    parser.add_argument("--times", help="what has a schedule is trained anew for each; by default the last mark")
    parser.add_argument("--set", dest="changes", action="append", default=[], metavar="KEY=VALUE", help="of our recipes")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    keep_to(options.out, options.changes)
    dataset = resolve_config(changes=data_changes(options.dataset, options.data, ())).data.dataset
    yardstick = Yardstick.of(Home.at(options.home), dataset, _ROWS)
    data = options.out / "data.npz"
    save_data(yardstick, data)
    marks = [float(mark) for mark in options.marks.split(",")]
    times = [float(time) for time in options.times.split(",")] if options.times else marks[-1:]
    plans = trainings(options.contenders.split(","), marks, times)
    for name, (contender, wanted) in plans.items():
        if not all((options.out / name / f"{mark:g}.npz").exists() for mark in wanted):
            train(contender, data, options.out / name, ",".join(f"{mark:g}" for mark in wanted), options.seed, options.changes)
    judge = Judge(yardstick)
    looks = {
        name: [judge.look(options.out / name / f"{mark:g}.npz", whole=mark in times) for mark in wanted]
        for name, (_, wanted) in plans.items()
    }
    measured = {"machine": cpu(), "dataset": dataset, "rows": len(yardstick.labels), "contenders": looks}
    (options.out / "peers.json").write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")
    show.print_table(measured)
    show.plot(measured, options.out / "quality.png")


def trainings(names: list[str], marks: list[float], times: list[float]) -> dict[str, tuple[str, list[float]]]:
    """Plan the trainings: by name the contender, and the marks at which it draws.

    What has a schedule is trained once for each time, `forger_300` for the shorter ones; the others are looked at on their way.
    """
    plans = {}
    for name in names:
        for time in times if name in SCHEDULED else times[-1:]:
            plans[name if time == times[-1] else f"{name}_{time:g}"] = (name, [mark for mark in marks if mark <= time])
    return plans


def train(name: str, data: Path, out: Path, marks: str, seed: int, changes: Sequence[str] = ()) -> None:
    """Train one contender in a process of its own."""
    command = [sys.executable, "-m", "tests.benchmarks.peers.worker", name, str(data), str(out), marks, str(seed), *changes]
    subprocess.run(command, check=True)


def save_data(yardstick: Yardstick, path: Path) -> None:
    """Write what the contenders may see: the run's train split, and the classes that will be asked for."""
    images, labels = read_examples([str(Path(yardstick.examples_path) / f"Split-{TRAIN_SPLIT}" / "*")])
    np.savez(path, images=images, labels=labels, wanted=yardstick.labels)


class Judge:
    """The run's judge, and the test split in its eyes."""

    def __init__(self, yardstick: Yardstick) -> None:
        self._yardstick = yardstick
        self._eyes = shared_eyes(yardstick.judge_path)
        self._scorer = Scorer(yardstick.judge_path, yardstick.calibration_path, len(yardstick.class_names))
        self._real = look(self._eyes, yardstick.images, copies=False)

    def look(self, path: Path, *, whole: bool = False) -> dict[str, Any]:
        """Score what a contender drew at one mark, without regard to classes, which not all contenders know.

        The gate's verdict does regard them, where the contender knows them; it takes over a minute, so only a whole look has one.
        """
        with np.load(path, allow_pickle=False) as stored:
            seconds, seen, peak = (float(stored[key]) for key in ("seconds", "images_seen", "peak_mib"))
            images, conditional = stored["images"], bool(stored["conditional"])
        generated = look(self._eyes, images, copies=False)
        yard = self._yardstick
        nameless = np.full(len(yard.labels), -1, np.int64)
        figures = self._scorer.score(self._real, yard.labels, yard.keys, generated, images, nameless, per_class=False)[OVERALL]
        shares = np.bincount(generated.predicted, minlength=len(yard.class_names)) / len(images)
        verdict = yard.judge(images, yard.labels if conditional else nameless) if whole else None
        return {
            "seconds": seconds,
            "images_per_second": seen / seconds,
            "peak_mib": peak,
            **{name: float(figures[name]) for name in _FIGURES},
            "smallest_class_share": float(shares.min()),
            **({"blessed": verdict.blessed, "reason": verdict.reason} if verdict else {}),
        }
