"""One real image and the sample drawn for it: what every metric reads."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from components.judge.features import Judge, Reference, load_judge, load_memory, load_reference
from components.judge.memory import TrainMemory


class View(NamedTuple):
    """Images as the judges see them."""

    features: np.ndarray  # float32 [N, D]
    second: np.ndarray  # float32 [N, E], of the second judge
    nearest: np.ndarray  # float32 [N], distance to the nearest train image
    predicted: np.ndarray  # int64 [N]


class Row(NamedTuple):
    """One real image and the sample drawn for it."""

    real: np.ndarray  # float32 [D]
    generated: np.ndarray  # float32 [D]
    real_second: np.ndarray  # float32 [E]
    generated_second: np.ndarray  # float32 [E]
    real_nearest: float
    generated_nearest: float
    label: int
    key: int
    predicted: int
    answered: int
    fault: int


class Rows(NamedTuple):
    """N rows as columns, named as the fields of `Row`."""

    real: np.ndarray  # float32 [N, D]
    generated: np.ndarray  # float32 [N, D]; of a pair of models [N, 2, draws, D]
    real_second: np.ndarray  # float32 [N, E]
    generated_second: np.ndarray  # float32 [N, E]; of a pair of models [N, 2, draws, E]
    real_nearest: np.ndarray  # float32 [N]
    generated_nearest: np.ndarray  # float32 [N]
    label: np.ndarray  # int64 [N]
    key: np.ndarray  # int64 [N]
    predicted: np.ndarray  # int64 [N]
    answered: np.ndarray  # int64 [N]
    fault: np.ndarray  # int64 [N]


# Each process loads a judge once, however many bundles and metrics ask for it.
shared_judge = functools.lru_cache(maxsize=2)(load_judge)
shared_reference = functools.lru_cache(maxsize=2)(load_reference)
shared_memory = functools.lru_cache(maxsize=2)(load_memory)


def look(judge: Judge, memory: TrainMemory, images: np.ndarray) -> View:
    """Look at images uint8 [N, H, W, C] through everything that a judge's artifact holds."""
    features, probabilities = judge.features(images)
    return View(features, judge.second_features(images), memory.nearest(images)[0], probabilities.argmax(1))


def taken(view: View, places: np.ndarray) -> View:
    """Take the images at some places."""
    return View(*[column[places] for column in view])


def rows_of(
    real: View, labels: np.ndarray, keys: np.ndarray, generated: View, answered: np.ndarray, fault: int = 0
) -> Iterator[Row]:
    """Pair views of N real images and of the N samples drawn for them; `labels`, `keys` and `answered` are int64 [N]."""
    for place, (label, key, answer) in enumerate(zip(labels, keys, answered, strict=True)):
        yield Row(
            real=real.features[place],
            generated=generated.features[place],
            real_second=real.second[place],
            generated_second=generated.second[place],
            real_nearest=real.nearest[place],
            generated_nearest=generated.nearest[place],
            label=label,
            key=key,
            predicted=generated.predicted[place],
            answered=answer,
            fault=fault,
        )


def stack(rows: list[Row]) -> Rows:
    """Turn rows into columns."""
    return Rows(*map(np.asarray, zip(*rows, strict=True)))


def matched_reference(reference: Reference, counts: np.ndarray) -> np.ndarray:
    """Choose reference rows with given class counts, as far as there are enough.

    Args:
        reference: Real train images.
        counts: int64 [C], rows wanted of each class.

    Returns:
        int64 [<= sum of counts]: places in the reference, class by class, first come first.
    """
    return np.concatenate([np.flatnonzero(reference.labels == label)[:count] for label, count in enumerate(counts)])
