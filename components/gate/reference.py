"""The metrics as plain functions of features: numpy in, numbers out. TFMA's metrics and every other scorer call these."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_CHUNK = 2000  # rows of a distance matrix held at once: 2,000 x 10,000 float32 are 80 MB


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


def frechet_distance(mean_1: np.ndarray, covariance_1: np.ndarray, mean_2: np.ndarray, covariance_2: np.ndarray) -> float:
    """Fréchet distance between two Gaussians (Dowson & Landau 1982; Heusel et al. 2017).

    |m1 - m2|^2 + tr(C1 + C2 - 2 (C1^1/2 C2 C1^1/2)^1/2). The symmetric form needs eigenvalues of symmetric matrices only, so
    singular covariances (a collapsed generator) give a number, never an imaginary part.

    Args:
        mean_1, mean_2: [D].
        covariance_1, covariance_2: [D, D], symmetric.

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


def _squared_distances(rows: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Squared Euclidean distances float32 [len(rows), len(others)]."""
    products = rows @ others.T
    products *= -2
    products += (others**2).sum(1)
    products += (rows**2).sum(1)[:, np.newaxis]
    return np.maximum(products, 0, out=products)


def _radii(features: np.ndarray, *ks: int) -> list[np.ndarray]:
    """Squared distances to the k-th nearest other row, one array [N] for each k."""
    found: list[list[np.ndarray]] = [[] for _ in ks]
    for start in range(0, len(features), _CHUNK):
        rows = features[start : start + _CHUNK]
        distances = _squared_distances(rows, features)
        distances[np.arange(len(rows)), np.arange(start, start + len(rows))] = -1.0  # itself: the 0th neighbour
        distances = np.partition(distances, max(ks), axis=1)[:, : max(ks) + 1]
        distances.sort(axis=1)
        for radius, k in zip(found, ks, strict=True):
            radius.append(distances[:, k])
    return [np.concatenate(radius) for radius in found]


def neighbour_metrics(real: np.ndarray, generated: np.ndarray, precision_k: int = 3, density_k: int = 5) -> dict[str, float]:
    """Precision and recall (Kynkäänniemi et al. 2019), density and coverage (Naeem et al. 2020).

    Distances are centred and in float32, whole rows at a time: memory is bounded by the chunk, time grows with N^2.

    Args:
        real: [N, D].
        generated: [M, D].
        precision_k: Neighbours that set the radius of a ball for precision and recall.
        density_k: The same for density and coverage.

    Returns:
        `precision` (share of generated images within the real manifold), `recall` (share of real ones within the generated
        manifold), `density` (1 for equal distributions, unbounded), `coverage` (share of real balls that hold a generated
        image); not-a-number when a side has no more rows than neighbours are needed, or isn't finite.
    """
    names = ("precision", "recall", "density", "coverage")
    if min(len(real), len(generated)) <= max(precision_k, density_k):
        return dict.fromkeys(names, float("nan"))
    if not (np.isfinite(real).all() and np.isfinite(generated).all()):
        return dict.fromkeys(names, float("nan"))
    centre = real.mean(0, dtype=np.float64)  # small numbers keep the float32 products exact enough
    real = np.ascontiguousarray(real - centre, np.float32)
    generated = np.ascontiguousarray(generated - centre, np.float32)
    real_precision, real_density = _radii(real, precision_k, density_k)
    (generated_radius,) = _radii(generated, precision_k)
    inside = 0
    balls = 0
    recalled = np.zeros(len(real), bool)
    covered = np.zeros(len(real), bool)
    for start in range(0, len(generated), _CHUNK):
        distances = _squared_distances(generated[start : start + _CHUNK], real)
        inside += int((distances <= real_precision).any(1).sum())
        within = distances <= real_density
        balls += int(within.sum())
        covered |= within.any(0)
        recalled |= (distances <= generated_radius[start : start + _CHUNK, np.newaxis]).any(0)
    return {
        "precision": inside / len(generated),
        "recall": float(recalled.mean()),
        "density": balls / (density_k * len(generated)),
        "coverage": float(covered.mean()),
    }


def class_shares(real_counts: np.ndarray, predicted_counts: np.ndarray) -> np.ndarray:
    """Share of each class among the generated images, relative to the real labels.

    Args:
        real_counts: [C], real images (= labels asked for) of each class.
        predicted_counts: [C], generated images that the judge sees as each class.

    Returns:
        float64 [C]: (predicted / real) / C, so that 1/C is what even-handed generation gives whatever the real counts are;
        not-a-number for a class without real images.
    """
    real_counts = np.asarray(real_counts, np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = np.asarray(predicted_counts, np.float64) / real_counts / len(real_counts)
    return np.where(real_counts > 0, shares, np.nan)
