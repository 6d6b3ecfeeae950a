"""The Fréchet distance between sets of features: from sums, with its floor, and extrapolated to infinitely many images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Moments:
    """Mergeable statistics of features: count, sum [D] and sum of outer products [D, D], in float64."""

    count: int
    total: np.ndarray
    outer: np.ndarray

    @classmethod
    def of(cls, features: np.ndarray) -> Moments:
        """Sum up features [N, D]."""
        features = np.asarray(features, np.float64)
        return cls(len(features), features.sum(0), features.T @ features)

    def __add__(self, other: Moments) -> Moments:
        return Moments(self.count + other.count, self.total + other.total, self.outer + other.outer)

    def mean_and_covariance(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean [D] and unbiased covariance [D, D]; not-a-number with fewer than two rows."""
        if self.count < 2:
            return np.full_like(self.total, np.nan), np.full_like(self.outer, np.nan)
        mean = self.total / self.count
        return mean, (self.outer - self.count * np.outer(mean, mean)) / (self.count - 1)


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


def frechet_floor(reference: Moments, real: Moments) -> float:
    """Fréchet distance that real images have from real images: the best a generator can be expected to reach.

    The distance between samples of one distribution falls as 1/n + 1/m (Chong & Forsyth 2020: its bias is linear in 1/N), so a
    reference with another count than the real images' is rescaled to what equal counts would give.

    Args:
        reference: Sums over real images of the train split (wanted: as many as `real`).
        real: Sums over the real images that the generated ones are compared with.
    """
    if reference.count < 2 or real.count < 2:
        return float("nan")
    return frechet_between(reference, real) * (2 / real.count) / (1 / reference.count + 1 / real.count)


def frechet_infinity(generated: Sequence[Moments], real: Sequence[Moments]) -> float:
    """Fréchet distance of infinitely many images (Chong & Forsyth 2020).

    The distance of N images is too large by a term in 1/N that depends on the generator, so that figures of different N or of
    different generators hide it in different measure. A line through the distances of the parts, of pairs of parts, of pairs of
    those, ..., over 1/N has the unbiased distance at 1/N = 0. Unlike in the paper the real side shrinks with the generated
    one, which removes its bias as well.

    Args:
        generated: Sums over disjoint random parts of the generated images; a power of two, at least 2 parts.
        real: The same of the real images.

    Returns:
        The extrapolated distance, a little below zero at times for equal distributions; not-a-number where a part has fewer than
        two rows.
    """
    points = []
    size = 1
    while size <= len(generated):
        groups = range(0, len(generated), size)
        pairs = [(total_of(generated[i : i + size]), total_of(real[i : i + size])) for i in groups]
        if any(min(one.count, other.count) < 2 for one, other in pairs):
            return float("nan")
        inverse = np.mean([(1 / one.count + 1 / other.count) / 2 for one, other in pairs])
        points.append((inverse, np.mean([frechet_between(one, other) for one, other in pairs])))
        size *= 2
    inverses, distances = np.transpose(points)
    if not np.isfinite(distances).all():
        return float("nan")
    return float(np.polyfit(inverses, distances, 1)[1])
