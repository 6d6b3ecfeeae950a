"""Measure usefulness: four trainings of one small network, two for each question, one on generated and one on real images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from components.transform.examples import read_examples
from components.usefulness.classifier import predict, train_classifier
from components.usefulness.result import TrainingUse, TwoSample, Usefulness
from components.usefulness.scores import accuracy_by_class, error_ratio, standard_error
from components.usefulness.settings import UsefulnessSettings

_MOST_BYTES = 2**30  # of real training images in memory
_HELD_OUT = 5  # every fifth image of a two-sample test is tested on
_LEAST = 100  # images of a side; with fewer a network learns nothing

Images = tuple[np.ndarray, np.ndarray]  # uint8 [N, H, W, C] and int64 [N]
Drawer = Callable[[np.ndarray, np.ndarray], Images]  # of seeds int64 [N] and labels int64 [N]


@dataclass(frozen=True)
class RealImages:
    """Real images in random order.

    Attributes:
        images: uint8 [N, H, W, C] of the training split.
        labels: int64 [N], theirs; -1 where there are no classes.
        test_images: uint8 [M, H, W, C] of the split `test`.
        test_labels: int64 [M].
    """

    images: np.ndarray
    labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray

    @classmethod
    def read(cls, train_pattern: str, test_pattern: str, settings: UsefulnessSettings) -> RealImages:
        """Read the first transformed examples of both splits, as many as the settings ask for and memory holds.

        Raises:
            UserError: There are none.
        """
        size = read_examples([train_pattern], 1)[0].nbytes
        images, labels = read_examples([train_pattern], min(2 * settings.images, max(1, _MOST_BYTES // size)))
        order = np.random.default_rng(settings.seed).permutation(len(images))
        return cls(images[order], labels[order], *read_examples([test_pattern], settings.test_images))

    def wanted(self, settings: UsefulnessSettings) -> tuple[np.ndarray, np.ndarray]:
        """Say what to draw: a seed for each image and the classes of as many real ones, int64 [n] both."""
        labels = self.labels[: settings.images]
        return np.random.default_rng(settings.seed).integers(0, 2**63 - 1, len(labels), np.int64), labels


def measure(real: RealImages, generated: Images, classes: int, settings: UsefulnessSettings) -> Usefulness:
    """Measure how useful generated images are, and hold what has a limit to it.

    Args:
        real: Real images.
        generated: Generated images and the classes that the generator says they have, -1 for none; best those of `wanted`.
        classes: Number of classes C.
        settings: The knobs.

    Raises:
        UserError: A training's loss is no longer a finite number.
    """
    found = Usefulness(seed=settings.seed, steps=settings.steps)
    images, answered = generated
    count = min(len(images), len(real.images), settings.images)
    known = classes > 1 and (real.labels >= 0).all()
    if count < _LEAST:
        found.left_out = f"usefulness is left out: {count} images are too few for a network to learn from"
        return held_to_limits(found, settings)
    if (answered >= 0).all() and known:
        found.training = _training_use(real, (images[:count], answered[:count]), classes, settings)
    else:
        whose = "the generator has no classes" if known else "the data have no classes"
        found.left_out = f"the classification accuracy score is left out: {whose}, so there is nothing to learn from its images"
    side = min(count, len(real.images) // 2)
    if side >= _LEAST:
        found.two_sample = _two_sample(real.images, images, side, settings)
    else:
        few = f"the two-sample test is left out: {len(real.images)} real images are too few to halve"
        found.left_out = "; ".join(filter(None, (found.left_out, few)))
    return held_to_limits(found, settings)


def _training_use(real: RealImages, generated: Images, classes: int, settings: UsefulnessSettings) -> TrainingUse:
    count = len(generated[0])

    def right(images: np.ndarray, labels: np.ndarray, kind: str) -> np.ndarray:
        network = train_classifier(images, labels, classes, settings, f"classifier on {kind} images")
        return predict(network, real.test_images) == real.test_labels

    ours = right(*generated, "generated")
    theirs = right(real.images[:count], real.labels[:count], "real")
    ratio, interval = error_ratio(ours, theirs, settings.seed)
    per_class = [accuracy_by_class(one, real.test_labels, classes) for one in (ours, theirs)]
    return TrainingUse(
        images=count,
        tested=len(ours),
        generated=float(ours.mean()),
        real=float(theirs.mean()),
        error_ratio=ratio,
        interval=interval,
        by_class=list(zip(*per_class, strict=True)),
    )


def _two_sample(real: np.ndarray, generated: np.ndarray, side: int, settings: UsefulnessSettings) -> TwoSample:
    """Tell generated images from the last real ones, and the first real ones, whose classes the generated have, from the last."""
    held_out = np.arange(2 * side) % _HELD_OUT == 0  # the sides alternate, so both are held out alike
    truth = np.tile([0, 1], side)

    def accuracy(first: np.ndarray, second: np.ndarray, kind: str) -> float:
        images = np.stack([first, second], axis=1).reshape(-1, *first.shape[1:])
        network = train_classifier(images[~held_out], truth[~held_out], 2, settings, f"two-sample test of {kind} images")
        return float((predict(network, images[held_out]) == truth[held_out]).mean())

    others = real[len(real) - side :]
    ours = accuracy(generated[:side], others, "generated")
    theirs = accuracy(real[:side], others, "real")
    tested = int(held_out.sum())
    return TwoSample(images=2 * side - tested, tested=tested, generated=ours, real=theirs, error=standard_error(ours, tested))


def held_to_limits(found: Usefulness, settings: UsefulnessSettings) -> Usefulness:
    """Say whether what has a limit is within it; a figure that was left out misses its limit, as one of the gate's does."""
    missed = []
    if (most := settings.max_error_ratio) is not None:
        if found.training is None:
            missed.append(f"there is no classification accuracy score to hold to usefulness.max_error_ratio={most:g}")
        elif found.training.error_ratio > most:
            ratio = found.training.error_ratio
            missed.append(
                f"a classifier trained on the generated images errs {ratio:.2f} times as often as on real ones (limit {most:g})"
            )
    if (most := settings.max_two_sample_accuracy) is not None:
        if found.two_sample is None:
            missed.append(f"there is no two-sample test to hold to usefulness.max_two_sample_accuracy={most:g}")
        elif (accuracy := found.two_sample.generated) > most:
            missed.append(f"a network tells generated from real images in {accuracy:.1%} of cases (limit {most:.1%})")
    found.reason = f"not useful enough: {'; '.join(missed)}" if missed else ""
    found.passed = not missed
    return found
