"""Every contender trains for equal time on the same cores, one after the other, and the gate's own metrics judge what it draws.

`make bench ARGS="peers --out DIRECTORY"` writes peers.json and quality.png there.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from pipeline.environment import prepare_tensorflow

prepare_tensorflow(quiet=True)

import numpy as np  # noqa: E402

from components.gate.kid import kernel_distance  # noqa: E402
from components.gate.scoring import score  # noqa: E402
from components.ingest.prepare import prepare  # noqa: E402
from components.judge.features import Judge  # noqa: E402
from components.judge.settings import JudgeSettings  # noqa: E402
from components.judge.training import train_judge  # noqa: E402
from tests.benchmarks.machine import cpu  # noqa: E402
from tests.benchmarks.peers import show  # noqa: E402
from tests.benchmarks.peers.contenders import NAMES  # noqa: E402

_MARKS = (15, 30, 45, 60, 90, 120, 150, 180, 210, 240, 270, 300)  # seconds of training at which images are drawn
_ROWS = 10_000
_FIGURES = ("frechet_ratio", "precision", "recall", "density", "coverage", "label_agreement")


def main() -> None:
    """Train, judge, print, write."""
    parser = argparse.ArgumentParser(prog="make bench ARGS=peers", description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path(".forger/data"), help="TFDS's data_dir")
    parser.add_argument("--out", type=Path, default=Path("peers"), help="directory for the results")
    parser.add_argument("--contenders", default=",".join(NAMES))
    parser.add_argument("--marks", default=",".join(map(str, _MARKS)), help="seconds of training, ascending")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    data = _load(options.data, options.out / "data.npz")
    marks = [float(mark) for mark in options.marks.split(",")]
    names = options.contenders.split(",")
    for name in names:
        arguments = [name, str(options.out / "data.npz"), str(options.out / name), options.marks, str(options.seed)]
        subprocess.run([sys.executable, "-m", "tests.benchmarks.peers.worker", *arguments], check=True)
    judge = _Scorer(data)
    measured = {
        "machine": cpu(),
        "rows": _ROWS,
        "contenders": {name: [judge.look(options.out / name / f"{mark:g}.npz") for mark in marks] for name in names},
    }
    (options.out / "peers.json").write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")
    show.print_table(measured)
    show.plot(measured, options.out / "quality.png")


def _load(data_dir: Path, path: Path) -> dict[str, np.ndarray]:
    """MNIST's train and test split; what the contenders may see of it goes to a file."""
    import tensorflow_datasets as tfds

    builder = tfds.builder_from_directory(prepare("mnist", data_dir).directory)
    data: dict[str, np.ndarray] = {}
    for split in ("train", "test"):
        rows = list(builder.as_dataset(split=split).as_numpy_iterator())
        data[f"{split}_images"] = np.stack([row["image"] for row in rows])
        data[f"{split}_labels"] = np.array([row["label"] for row in rows], np.int64)
    np.savez(path, images=data["train_images"], labels=data["train_labels"], wanted=data["test_labels"][:_ROWS])
    return data


class _Scorer:
    """A judge trained as the pipeline trains it, and the real images in its eyes."""

    def __init__(self, data: dict[str, np.ndarray]) -> None:
        self._judge = Judge(train_judge(data["train_images"], data["train_labels"], JudgeSettings()))
        self._real, _ = self._judge.features(data["test_images"][:_ROWS])
        self._reference, _ = self._judge.features(data["train_images"])
        self._labels, self._reference_labels = data["test_labels"][:_ROWS], data["train_labels"]

    def look(self, path: Path) -> dict[str, Any]:
        """Score what a contender drew at one mark."""
        with np.load(path, allow_pickle=False) as stored:
            seconds, seen, peak = (float(stored[key]) for key in ("seconds", "images_seen", "peak_mib"))
            features, probabilities = self._judge.features(stored["images"])
        figures = score(
            self._real, self._labels, features, probabilities.argmax(1), self._labels,
            self._reference, self._reference_labels, per_class=False,
        )  # fmt: skip
        kid, kid_error = kernel_distance(self._real, features)
        return {
            "seconds": seconds,
            "images_per_second": seen / seconds,
            "peak_mib": peak,
            "kid": kid,
            "kid_error": kid_error,
            **{name: float(figures[name]) for name in _FIGURES},
        }
