"""One real image and the sample drawn for it: what every metric reads."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from components.gate.figures.copies import CopyIndex
from components.gate.reference.train_reference import TrainReference
from components.judge.features import Judge, Reference, load_judge, load_memory, load_reference
from components.judge.memory import TrainMemory


class View(NamedTuple):
    """Images as the judges see them."""

    features: np.ndarray  # float32 [N, D]
    second: np.ndarray  # float32 [N, E], of the second judge
    nearest: np.ndarray  # float32 [N], distance to the nearest train image
    residual: np.ndarray  # float32 [N], what lies outside the train images' principal components
    code: np.ndarray  # float32 [N, K], the principal components
    predicted: np.ndarray  # int64 [N]
    closeness: np.ndarray  # float32 [N], to a train image by the measure of its neighbourhood; of real images not-a-number


class Row(NamedTuple):
    """One real image and the sample drawn for it."""

    real: np.ndarray  # float32 [D]
    generated: np.ndarray  # float32 [D]
    real_second: np.ndarray  # float32 [E]
    generated_second: np.ndarray  # float32 [E]
    real_nearest: float
    generated_nearest: float
    real_residual: float
    generated_residual: float
    real_code: np.ndarray  # float32 [K]
    generated_code: np.ndarray  # float32 [K]
    closeness: float  # of the generated image
    image: np.ndarray  # uint8 [H, W, C], the generated one
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
    real_residual: np.ndarray  # float32 [N]
    generated_residual: np.ndarray  # float32 [N]
    real_code: np.ndarray  # float32 [N, K]
    generated_code: np.ndarray  # float32 [N, K]
    closeness: np.ndarray  # float32 [N]
    image: np.ndarray  # uint8 [N, H, W, C]
    label: np.ndarray  # int64 [N]
    key: np.ndarray  # int64 [N]
    predicted: np.ndarray  # int64 [N]
    answered: np.ndarray  # int64 [N]
    fault: np.ndarray  # int64 [N]


class Eyes(NamedTuple):
    """Everything that images are looked at with."""

    judge: Judge
    memory: TrainMemory
    copies: CopyIndex


def _open_eyes(judge: str) -> Eyes:
    memory = shared_memory(judge)
    return Eyes(shared_judge(judge), memory, CopyIndex(memory.images))


# Each process loads a judge once, however many bundles and metrics ask for it.
shared_judge = functools.lru_cache(maxsize=2)(load_judge)
shared_reference = functools.lru_cache(maxsize=2)(load_reference)
shared_memory = functools.lru_cache(maxsize=2)(load_memory)
shared_eyes = functools.lru_cache(maxsize=2)(_open_eyes)
shared_train_reference = functools.lru_cache(maxsize=2)(TrainReference.load)


def look(eyes: Eyes, images: np.ndarray, *, copies: bool = True) -> View:
    """Look at images uint8 [N, H, W, C]; where no copies are looked for their closeness stays not-a-number."""
    features, probabilities = eyes.judge.features(images)
    return View(
        features=features,
        second=eyes.judge.second_features(images),
        nearest=eyes.memory.nearest(images)[0],
        residual=eyes.memory.residuals(images),
        code=eyes.memory.encode(images),
        predicted=probabilities.argmax(1),
        closeness=eyes.copies.closeness(images) if copies else np.full(len(images), np.nan, np.float32),
    )


def taken(view: View, places: np.ndarray) -> View:
    """Take the images at some places."""
    return View(*[column[places] for column in view])


def rows_of(
    real: View,
    labels: np.ndarray,
    keys: np.ndarray,
    generated: View,
    images: np.ndarray,
    answered: np.ndarray,
    fault: int = 0,
) -> Iterator[Row]:
    """Pair views of N real images and of the N samples drawn for them.

    Args:
        real: View of the real images.
        labels: int64 [N], theirs.
        keys: int64 [N], hashes of their content.
        generated: View of the samples.
        images: uint8 [N, H, W, C], the samples.
        answered: int64 [N], their classes.
        fault: What went wrong with all of them.
    """
    for place, (label, key, answer) in enumerate(zip(labels, keys, answered, strict=True)):
        yield Row(
            real=real.features[place],
            generated=generated.features[place],
            real_second=real.second[place],
            generated_second=generated.second[place],
            real_nearest=real.nearest[place],
            generated_nearest=generated.nearest[place],
            real_residual=real.residual[place],
            generated_residual=generated.residual[place],
            real_code=real.code[place],
            generated_code=generated.code[place],
            closeness=generated.closeness[place],
            image=images[place],
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
