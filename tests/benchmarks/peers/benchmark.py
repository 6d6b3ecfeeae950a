"""Every contender trains for equal time on the same cores, one after the other, and the gate's own metrics judge what it draws.

`make bench ARGS="peers --out DIRECTORY"` writes peers.json and quality.png there. The judge is that of the home's newest run, so
`make run` comes first.
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
from pipeline.home.home import Home  # noqa: E402
from pipeline.sampling.evaluate import Yardstick  # noqa: E402
from tests.benchmarks.machine import cpu  # noqa: E402
from tests.benchmarks.peers import show  # noqa: E402
from tests.benchmarks.peers.contenders import NAMES  # noqa: E402
from tests.support.mnist import train_split  # noqa: E402

_MARKS = (15, 30, 45, 60, 90, 120, 150, 180, 210, 240, 270, 300)  # seconds of training at which images are drawn
_ROWS = 10_000
_FIGURES = ("frechet_ratio", "kid", "kid_error", "precision", "recall", "density", "coverage")


def main() -> None:
    """Train, judge, print, write."""
    parser = argparse.ArgumentParser(prog="make bench ARGS=peers", description=__doc__.splitlines()[0])
    parser.add_argument("--home", type=Path, default=Path(".forger"), help="where a run has left its judge")
    parser.add_argument("--out", type=Path, default=Path("peers"), help="directory for the results")
    parser.add_argument("--contenders", default=",".join(NAMES))
    parser.add_argument("--marks", default=",".join(map(str, _MARKS)), help="seconds of training, ascending")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    home = Home.at(options.home)
    yardstick = Yardstick.of(home, "mnist", _ROWS)
    save_data(home.data, yardstick.labels, options.out / "data.npz")
    marks = [float(mark) for mark in options.marks.split(",")]
    names = options.contenders.split(",")
    for name in names:
        train(name, options.out / "data.npz", options.out / name, options.marks, options.seed)
    judge = Judge.of_networks(yardstick)
    measured = {
        "machine": cpu(),
        "rows": len(yardstick.labels),
        "contenders": {name: [judge.look(options.out / name / f"{mark:g}.npz") for mark in marks] for name in names},
    }
    (options.out / "peers.json").write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")
    show.print_table(measured)
    show.plot(measured, options.out / "quality.png")


def train(name: str, data: Path, out: Path, marks: str, seed: int, changes: Sequence[str] = ()) -> None:
    """Train one contender in a process of its own."""
    command = [sys.executable, "-m", "tests.benchmarks.peers.worker", name, str(data), str(out), marks, str(seed), *changes]
    subprocess.run(command, check=True)


def save_data(data_dir: Path, wanted: np.ndarray, path: Path) -> None:
    """Write what the contenders may see: MNIST's train split, and the classes that will be asked for."""
    images, labels = train_split(data_dir)
    np.savez(path, images=images, labels=labels, wanted=wanted)


class Judge:
    """The run's judge, and the test split in its eyes."""

    def __init__(self, yardstick: Yardstick) -> None:
        self._yardstick = yardstick
        self._eyes = shared_eyes(yardstick.judge_path)
        self._scorer = Scorer(yardstick.judge_path, yardstick.calibration_path, len(yardstick.class_names))
        self._real = look(self._eyes, yardstick.images, copies=False)

    def look(self, path: Path) -> dict[str, Any]:
        """Score what a contender drew at one mark, without regard to classes, which not all contenders know."""
        with np.load(path, allow_pickle=False) as stored:
            seconds, seen, peak = (float(stored[key]) for key in ("seconds", "images_seen", "peak_mib"))
            images = stored["images"]
        generated = look(self._eyes, images)
        yard = self._yardstick
        nameless = np.full(len(yard.labels), -1, np.int64)
        figures = self._scorer.score(self._real, yard.labels, yard.keys, generated, images, nameless, per_class=False)[OVERALL]
        return {
            "seconds": seconds,
            "images_per_second": seen / seconds,
            "peak_mib": peak,
            **{name: float(figures[name]) for name in _FIGURES},
        }
