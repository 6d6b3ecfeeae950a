"""From predictions to numbers with their noise: numpy alone."""

from __future__ import annotations

import numpy as np

_RESAMPLES = 4000


def standard_error(accuracy: float, count: int) -> float:
    """Standard error of an accuracy measured on a number of independent images."""
    return float(np.sqrt(accuracy * (1 - accuracy) / count))


def error_ratio(generated: np.ndarray, real: np.ndarray, seed: int) -> tuple[float, tuple[float, float]]:
    """Say how many times as often one classifier errs as another, both tested on the same images.

    Args:
        generated: bool [N], where the classifier that learnt from generated images is right.
        real: bool [N], where the one that learnt from real images is right.
        seed: Of the resampling.

    Returns:
        The ratio and its 95 % interval: the images resampled in pairs (Efron's bootstrap), with half an error added to each side
        so that it is finite. The ratio has that half only where the other classifier doesn't err.
    """
    count = len(real)
    cells = np.array([(~generated & ~real).sum(), (~generated & real).sum(), (generated & ~real).sum(), (generated & real).sum()])
    both, ours, theirs, _ = np.random.default_rng(seed).multinomial(count, cells / count, _RESAMPLES).T
    ratios = (both + ours + 0.5) / (both + theirs + 0.5)
    low, high = np.quantile(ratios, (0.025, 0.975))
    errors, none = int((~real).sum()), 0.5 * bool(real.all())
    return float(((~generated).sum() + none) / (errors + none)), (float(low), float(high))


def accuracy_by_class(right: np.ndarray, labels: np.ndarray, classes: int) -> list[float | None]:
    """Share of right answers within each class, None where there are no images; right bool [N], labels int64 [N]."""
    return [float(right[labels == label].mean()) if (labels == label).any() else None for label in range(classes)]
