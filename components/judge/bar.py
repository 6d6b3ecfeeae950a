"""What a judge must reach before its features are trusted: set by the data, since some classes are harder to tell than others."""

from __future__ import annotations

import math

import numpy as np

from components.judge.memory import TrainMemory
from components.judge.principal import as_rows
from components.judge.settings import JudgeSettings

# Of the mistakes of the nearest train image, which knows pixels alone: a network that makes more has learnt little beyond them.
_MISTAKES = 2 / 3
# Of the variance that as many main components keep, which any set of images has: a network that keeps less has learnt little.
_KEPT = 2 / 3
_COMPARED = 2000  # test images that the nearest train image is asked about: a second for MNIST
_DEVIATIONS = 2  # of the share that is measured on so many, in the judge's favour: few test images say little


def explained_bar(settings: JudgeSettings, memory: TrainMemory, images: np.ndarray) -> float:
    """Return the share of the pixels' variance, 0..1, that the second judge must keep of the test images.

    Args:
        settings: `min_explained` wins over the data.
        memory: Train images, and their main components.
        images: uint8 [N, H, W, C], of the test split.
    """
    if settings.min_explained is not None:
        return settings.min_explained
    rows, components = as_rows(images[:_COMPARED]), memory.components[:, : settings.encoder_size]
    centred = rows - memory.mean
    lost = np.square(centred - (centred @ components) @ components.T).sum(dtype=np.float64)
    total = np.square(rows - rows.mean(0)).sum(dtype=np.float64)
    return max(0.0, _KEPT * (1 - float(lost / total))) if total else 0.0


def accuracy_bar(
    settings: JudgeSettings, memory: TrainMemory, labels: np.ndarray, images: np.ndarray, truth: np.ndarray
) -> float:
    """Return the accuracy, 0..1, that a judge must reach on the test split.

    Args:
        settings: `min_accuracy` wins over the data.
        memory: Train images.
        labels: int64 [R], theirs.
        images: uint8 [N, H, W, C], of the test split.
        truth: int64 [N], theirs.
    """
    if settings.min_accuracy is not None:
        return settings.min_accuracy
    nearest = labels[memory.nearest(images[:_COMPARED])[1]]
    bar = 1 - _MISTAKES * float((nearest != truth[:_COMPARED]).mean())
    return max(0.0, bar - _DEVIATIONS * math.sqrt(bar * (1 - bar) / len(nearest)))
