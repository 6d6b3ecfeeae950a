"""Judging on a slice of the train split, by judges of another seed than the gate's: what a recipe is chosen by.

Neither the test split nor the gate's judges have a part in it, so that both stay able to say how good the chosen recipe is.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from components.gate.combiners.quality import FLOOR_IMAGES, TRAIN_IMAGES
from components.gate.figures.frechet import Moments, by_part, chance_of, frechet_between, ratio_to_train
from components.gate.figures.neighbours import neighbour_metrics
from components.judge.autoencoder import build_encoder, train_encoder
from components.judge.executor import choose_reference
from components.judge.features import Judge
from components.judge.network import build_network
from components.judge.settings import JudgeSettings
from components.judge.training import train_judge
from components.usefulness.measure import RealImages, measure
from components.usefulness.settings import UsefulnessSettings
from tests.support.mnist import train_split
from tests.support.shapes import GREY_28

SLICE = 10_000  # images at the end of MNIST's train split, on which nothing trains
_CLASSES, _JUDGE = 10, JudgeSettings(seed=2)

FIGURES = ("train_ratio", "second_train_ratio", "frechet_ratio", "precision", "recall", "coverage", "label_agreement")
USE_FIGURES = ("errors", "told")

Draw = Callable[[np.ndarray], np.ndarray]  # classes int64 [N] -> generated images uint8 [N, 28, 28, 1]


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
    """Two judges trained on what the generators train on, and the real images in their eyes."""

    def __init__(self, train: Images, held_out: Images, directory: Path) -> None:
        """Train them, unless a call before has left their weights in the directory."""
        network = build_network(_CLASSES, _JUDGE.feature_size, _JUDGE.seed, GREY_28)
        encoder = build_encoder(_JUDGE, GREY_28)
        weights, second_weights = directory / "judge.weights.h5", directory / "encoder.weights.h5"
        if second_weights.exists():
            network.load_weights(weights)
            encoder.load_weights(second_weights)
        else:
            network, encoder = train_judge(*train, _JUDGE, _CLASSES), train_encoder(train.pixels, _JUDGE)
            network.save_weights(weights)
            encoder.save_weights(second_weights)
        self._judge, self._train_labels, self._held_out = Judge.of_networks(network, encoder), train.labels, held_out
        self._real = self._judge.features(held_out.pixels)[0]
        features, second = self._judge.features(train.pixels)[0], self._judge.second_features(train.pixels)
        self._halves, self._second_halves = _halves(features), _halves(second)
        self._reference = Moments.of(features[choose_reference(train.labels, SLICE, _JUDGE.seed)])

    def score(self, draw: Draw) -> dict[str, float]:
        """Score a generator: a value for each of FIGURES.

        The first two are the gate's distance to the train images, with as many images and classes as train images have; the
        others compare with the slice.
        """
        labels = self._held_out.labels
        pixels = draw(labels)
        features, probabilities = self._judge.features(pixels)
        real = Moments.of(self._real)
        found = neighbour_metrics(self._real, features)
        # Both are of train images: what a GAN can reach is what chance alone leaves between as many of them.
        ratio = frechet_between(Moments.of(features), real) / (chance_of(self._reference, real) * 2 / FLOOR_IMAGES)
        many = draw(self._train_labels[:TRAIN_IMAGES])
        keys = np.arange(len(many))
        return {
            "train_ratio": ratio_to_train(self._halves, by_part(self._judge.features(many)[0], keys), TRAIN_IMAGES)[0],
            "second_train_ratio": ratio_to_train(
                self._second_halves, by_part(self._judge.second_features(many), keys), TRAIN_IMAGES
            )[0],
            "frechet_ratio": ratio,
            **{name: found[name] for name in ("precision", "recall", "coverage")},
            "label_agreement": float((probabilities.argmax(1) == labels).mean()),
        }


def usefulness(train: Images, held_out: Images, draw: Draw) -> dict[str, float]:
    """Train classifiers on generated and on real images, and test them on the slice: a value for each of USE_FIGURES.

    `errors` is the error of a classifier that learned from generated images over that of one that learned from real ones, `told`
    how often a network tells generated from real images that it has not seen (`real_told`: real from other real ones).
    """
    settings = UsefulnessSettings(images=len(train.labels) // 2)
    labels = train.labels[: settings.images]
    found = measure(RealImages(*train, *held_out), (draw(labels), labels), _CLASSES, settings)
    assert found.training is not None
    assert found.two_sample is not None
    return {
        "errors": found.training.error_ratio,
        "told": found.two_sample.generated,
        "real_told": found.two_sample.real,
    }


def _halves(features: np.ndarray) -> tuple[Moments, Moments]:
    return Moments.of(features[::2]), Moments.of(features[1::2])
