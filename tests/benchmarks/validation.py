"""Judging on a slice of the train split, by a judge of another seed than the gate's: what a recipe is chosen by.

Neither the test split nor the gate's judge has a part in it, so that both stay able to say how good the chosen recipe is.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from components.gate.figures.frechet import Moments, chance_of, frechet_between
from components.gate.figures.neighbours import neighbour_metrics
from components.judge.executor import choose_reference
from components.judge.features import Judge
from components.judge.network import build_network
from components.judge.settings import JudgeSettings
from components.judge.training import train_judge
from tests.support.mnist import train_split
from tests.support.shapes import GREY_28

SLICE = 10_000  # images at the end of MNIST's train split, on which nothing trains
_CLASSES, _JUDGE = 10, JudgeSettings(seed=2)

FIGURES = ("frechet_ratio", "precision", "recall", "coverage", "label_agreement")


class Images(NamedTuple):
    """Images of one part of the split."""

    pixels: np.ndarray  # uint8 [N, 28, 28, 1]
    labels: np.ndarray  # int64 [N]


def load(data_dir: Path, keep: Path) -> tuple[Images, Images]:
    """Read what to train on and what to judge by; `keep` holds them as an npz from the first call on."""
    if not keep.exists():
        pixels, labels = train_split(data_dir)
        np.savez(keep, pixels=pixels, labels=labels)
    with np.load(keep, allow_pickle=False) as stored:
        pixels, labels = stored["pixels"], stored["labels"]
    return Images(pixels[:-SLICE], labels[:-SLICE]), Images(pixels[-SLICE:], labels[-SLICE:])


class ValidationJudge:
    """A judge trained on what the generators train on, and the slice in its eyes."""

    def __init__(self, train: Images, held_out: Images, weights: Path) -> None:
        """Train it, unless a call before has left its weights."""
        network = build_network(_CLASSES, _JUDGE.feature_size, _JUDGE.seed, GREY_28)
        if weights.exists():
            network.load_weights(weights)
        else:
            network = train_judge(*train, _JUDGE, _CLASSES)
            network.save_weights(weights)
        self._judge = Judge.of_networks(network)
        self._real, _ = self._judge.features(held_out.pixels)
        chosen = choose_reference(train.labels, SLICE, _JUDGE.seed)
        self._reference = Moments.of(self._judge.features(train.pixels[chosen])[0])

    def score(self, pixels: np.ndarray, labels: np.ndarray) -> dict[str, float]:
        """Score generated images, uint8 [N, 28, 28, 1], of the slice's classes, int64 [N]: a value for each of FIGURES."""
        features, probabilities = self._judge.features(pixels)
        real = Moments.of(self._real)
        found = neighbour_metrics(self._real, features)
        # Both are of train images: what a GAN can reach is what chance alone leaves between as many of them.
        ratio = frechet_between(Moments.of(features), real) / (chance_of(self._reference, real) * 2 / real.count)
        agreement = float((probabilities.argmax(1) == labels).mean())
        return {"frechet_ratio": ratio, **{name: found[name] for name in FIGURES[1:4]}, "label_agreement": agreement}
