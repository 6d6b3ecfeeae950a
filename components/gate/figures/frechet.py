"""The Fréchet distance between sets of features: from sums, extrapolated to infinitely many images, with its error."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Moments:
    """Mergeable statistics of features: count, sum [D] and sum of outer products [D, D], in float64."""

    count: float
    total: np.ndarray
    outer: np.ndarray

    @classmethod
    def of(cls, features: np.ndarray) -> Moments:
        """Sum up features [N, D]."""
        features = np.asarray(features, np.float64)
        return cls(len(features), features.sum(0), features.T @ features)

    def __add__(self, other: Moments) -> Moments:
        return Moments(self.count + other.count, self.total + other.total, self.outer + other.outer)

    def __sub__(self, other: Moments) -> Moments:
        return Moments(self.count - other.count, self.total - other.total, self.outer - other.outer)

    def mean_and_covariance(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean [D] and unbiased covariance [D, D]; not-a-number with fewer than two rows."""
        if self.count < 2:
            return np.full_like(self.total, np.nan), np.full_like(self.outer, np.nan)
        mean = self.total / self.count
        return mean, (self.outer - self.count * np.outer(mean, mean)) / (self.count - 1)

    def __reduce__(self) -> tuple[Any, ...]:
        # Beam encodes all slices' sums at once, several times: half of a symmetric matrix is enough.
        return _unpacked, (self.count, self.total, self.outer[_triangle(len(self.total))])


@functools.cache
def _triangle(size: int) -> tuple[np.ndarray, np.ndarray]:
    return np.tril_indices(size)


def _unpacked(count: float, total: np.ndarray, lower: np.ndarray) -> Moments:
    outer = np.empty((len(total), len(total)))
    rows, columns = _triangle(len(total))
    outer[rows, columns] = outer[columns, rows] = lower
    return Moments(count, total, outer)


PARTS = 20  # random parts of the rows, for the jackknife: tells an error to about 16 %


def by_part(features: np.ndarray, keys: np.ndarray) -> list[Moments]:
    """Sum up features in random parts.

    Args:
        features: [N, D], or [N, draws, D] where several were drawn for each row.
        keys: int64 [N], hashes, of which the part follows.
    """
    part = keys % PARTS
    return [Moments.of(features[part == number].reshape(-1, features.shape[-1])) for number in range(PARTS)]


def added(parts: Sequence[Moments], others: Sequence[Moments]) -> list[Moments]:
    """Add sums to sums, part by part."""
    return [one + more for one, more in zip(parts, others, strict=True)]


def total_of(parts: Sequence[Moments]) -> Moments:
    """Add up parts, of which there is at least one."""
    whole = parts[0]
    for part in parts[1:]:
        whole = whole + part
    return whole


def frechet_distance(mean_1: np.ndarray, covariance_1: np.ndarray, mean_2: np.ndarray, covariance_2: np.ndarray) -> float:
    """Fréchet distance between two Gaussians (Dowson & Landau 1982; Heusel et al. 2017).

    |m1 - m2|^2 + tr(C1 + C2 - 2 (C1^1/2 C2 C1^1/2)^1/2). The symmetric form needs eigenvalues of symmetric matrices only, so
    singular covariances (a collapsed generator) give a number, never an imaginary part.

    Args:
        mean_1: The first one's mean [D].
        covariance_1: Its covariance [D, D], symmetric.
        mean_2: The second one's mean [D].
        covariance_2: Its covariance [D, D], symmetric.

    Returns:
        The squared distance, >= 0; not-a-number if an input isn't finite.
    """
    arrays = [np.asarray(a, np.float64) for a in (mean_1, covariance_1, mean_2, covariance_2)]
    if not all(np.isfinite(a).all() for a in arrays):
        return float("nan")
    mean_1, covariance_1, mean_2, covariance_2 = arrays
    values, vectors = np.linalg.eigh(covariance_1)
    root = (vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T
    cross = np.sqrt(np.clip(np.linalg.eigvalsh(root @ covariance_2 @ root), 0, None)).sum()
    distance = ((mean_1 - mean_2) ** 2).sum() + np.trace(covariance_1) + np.trace(covariance_2) - 2 * cross
    return float(max(distance, 0.0))


def frechet_between(first: Moments, second: Moments) -> float:
    """Fréchet distance between two sets of features, from their sums."""
    return frechet_distance(*first.mean_and_covariance(), *second.mean_and_covariance())


def chance_of(one: Moments, other: Moments) -> float:
    """Measure what chance alone adds to a distance, for 1/n + 1/m = 1.

    Samples of one distribution differ by this over their numbers n and m (Chong & Forsyth 2020: the bias is linear in 1/N), so
    that two disjoint halves of the train images tell that of any other numbers.

    Args:
        one: Sums over real images.
        other: Sums over others of the same distribution.
    """
    if min(one.count, other.count) < 2:
        return float("nan")
    return frechet_between(one, other) / (1 / one.count + 1 / other.count)


def leave_one_out(parts: Sequence[Moments]) -> list[Moments]:
    """Return the whole, then the whole without each part."""
    whole = total_of(parts)
    return [whole, *(whole - part for part in parts)]


def extrapolate(distances: np.ndarray) -> np.ndarray:
    """Free a distance of what is only due to the number of images (delete-a-group jackknife; Quenouille 1956, Wolter 2007).

    What a finite sample adds to a Fréchet distance is linear in 1/N and differs between generators (Chong & Forsyth 2020), so
    that equal numbers alone would not make figures comparable; the jackknife cancels it.

    Args:
        distances: float64 [G + 1]: that of the whole, then of the whole without each of G random parts.

    Returns:
        float64 [G], pseudo-values: their mean is the distance of infinitely many images, at times a little below zero for equal
        distributions, and their spread tells its error.
    """
    parts = len(distances) - 1
    return parts * distances[0] - (parts - 1) * distances[1:]


def ratio_with_error(above: np.ndarray, below: np.ndarray, offset: float) -> tuple[float, float]:
    """Divide two extrapolated distances, each with what chance adds at a fixed number of images.

    Args:
        above: float64 [G], pseudo-values of `extrapolate`.
        below: The same of the floor, from the same parts; zeros for none.
        offset: What chance adds to either, > 0.

    Returns:
        The ratio and its standard error, in which what both share cancels; not-a-number where an input is.
    """
    floor = max(float(below.mean()), 0.0) + offset
    if not floor > 0:
        return float("nan"), float("nan")
    ratio = (float(above.mean()) + offset) / floor
    return ratio, float((above - ratio * below).std(ddof=1) / np.sqrt(len(above)) / floor)


def ratio_to_train(halves: tuple[Moments, Moments], parts: Sequence[Moments], count: float) -> tuple[float, float]:
    """Say how far generated images are from the train images, as a multiple of what chance leaves between train images.

    Args:
        halves: Sums over two disjoint halves of the train images.
        parts: Sums over random parts of generated images of the same classes, as of `by_part`.
        count: Images on each side that the chance is that of, whatever number is compared.

    Returns:
        The ratio, 1 for images of the train images' distribution, and its standard error.
    """
    train, chance = halves[0] + halves[1], chance_of(*halves)
    # As many train images as there are add their own part of chance, which no jackknife over the others' parts sees.
    own = chance / train.count if train.count else float("nan")
    distances = np.array([frechet_between(train, one) for one in leave_one_out(parts)])
    return ratio_with_error(extrapolate(distances) - own, np.zeros(len(parts)), 2 * chance / count if count else float("nan"))
