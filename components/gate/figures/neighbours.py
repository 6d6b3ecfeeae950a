"""Metrics from nearest neighbours among features: precision, recall, density, coverage, duplicates, realism."""

from __future__ import annotations

import numpy as np

_CHUNK = 250  # rows of a distance matrix held at once: 250 x 10,000 float32 are 10 MB, and there are up to four of them
# Two images are near-duplicates when they are nearer to each other than this share of real images is to any other real one.
_DUPLICATE_QUANTILE = 0.01

NEIGHBOUR_FIGURES = ("precision", "recall", "density", "coverage", "duplicate_share")


def squared_distances(rows: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Squared Euclidean distances float32 [len(rows), len(others)]; exact enough where the rows are centred."""
    products = rows @ others.T
    products *= -2
    products += (others**2).sum(1)
    products += (rows**2).sum(1)[:, np.newaxis]
    return np.maximum(products, 0, out=products)


def nearest_distances(rows: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Squared Euclidean distance float32 [len(rows)] of each row to the nearest of the others."""
    parts = [squared_distances(rows[start : start + _CHUNK], others).min(1) for start in range(0, len(rows), _CHUNK)]
    return np.concatenate(parts) if parts else np.zeros(0, np.float32)


def _radii(features: np.ndarray, *ks: int) -> list[np.ndarray]:
    """Squared distances to the k-th nearest other row, one array [N] for each k."""
    found: list[list[np.ndarray]] = [[] for _ in ks]
    for start in range(0, len(features), _CHUNK):
        rows = features[start : start + _CHUNK]
        distances = squared_distances(rows, features)
        distances[np.arange(len(rows)), np.arange(start, start + len(rows))] = -1.0  # itself: the 0th neighbour
        distances = np.sort(np.partition(distances, max(ks), axis=1)[:, : max(ks) + 1], axis=1)  # a copy: a view keeps the whole
        for radius, k in zip(found, ks, strict=True):
            radius.append(distances[:, k])
    return [np.concatenate(radius) for radius in found]


def _centred(real: np.ndarray, generated: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Subtract the real mean: small numbers keep the float32 products exact enough."""
    centre = real.mean(0, dtype=np.float64)
    return np.ascontiguousarray(real - centre, np.float32), np.ascontiguousarray(generated - centre, np.float32)


def neighbour_metrics(real: np.ndarray, generated: np.ndarray, precision_k: int = 5, density_k: int = 5) -> dict[str, float]:
    """Precision and recall (Kynkäänniemi et al. 2019), density and coverage (Naeem et al. 2020), and near-duplicates.

    Distances are centred and in float32, whole rows at a time: memory is bounded by the chunk, time grows with N^2.

    Args:
        real: [N, D].
        generated: [M, D].
        precision_k: Neighbours that set the radius of a ball for precision and recall.
        density_k: The same for density and coverage.

    Returns:
        `precision` (share of generated images within the real manifold), `recall` (share of real ones within the generated
        manifold), `density` (1 for equal distributions, unbounded), `coverage` (share of real balls that hold a generated
        image), `duplicate_share` (share of generated images nearer to another generated one than 99 % of the real images are to
        another real one: 0.01 for equal distributions); not-a-number when a side has no more rows than neighbours are needed, or
        isn't finite.
    """
    if min(len(real), len(generated)) <= max(precision_k, density_k):
        return dict.fromkeys(NEIGHBOUR_FIGURES, float("nan"))
    if not (np.isfinite(real).all() and np.isfinite(generated).all()):
        return dict.fromkeys(NEIGHBOUR_FIGURES, float("nan"))
    real, generated = _centred(real, generated)
    real_nearest, real_precision, real_density = _radii(real, 1, precision_k, density_k)
    generated_nearest, generated_radius = _radii(generated, 1, precision_k)
    limit = np.quantile(np.sqrt(real_nearest), _DUPLICATE_QUANTILE)
    inside = 0
    balls = 0
    recalled = np.zeros(len(real), bool)
    covered = np.zeros(len(real), bool)
    for start in range(0, len(generated), _CHUNK):
        distances = squared_distances(generated[start : start + _CHUNK], real)
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
        "duplicate_share": float((np.sqrt(generated_nearest) <= limit).mean()),
    }


def realism(real: np.ndarray, generated: np.ndarray, k: int = 5) -> np.ndarray:
    """Realism score of single images (Kynkäänniemi et al. 2019, section 5): how deep within the real manifold each one lies.

    Args:
        real: [N, D], N > k.
        generated: [M, D].
        k: Neighbours that set the radius of a ball.

    Returns:
        float32 [M]: the largest ratio of a ball's radius to the image's distance from its centre; >= 1 within the manifold. As in
        the paper, the larger half of the balls is left out: those of outliers reach too far.
    """
    real, generated = _centred(real, generated)
    (radii,) = _radii(real, k)
    kept = radii <= np.median(radii)
    scores = []
    for start in range(0, max(len(generated), 1), _CHUNK):
        distances = squared_distances(generated[start : start + _CHUNK], real[kept])
        scores.append(np.sqrt(radii[kept] / np.maximum(distances, np.finfo(np.float32).tiny)).max(1))
    return np.concatenate(scores).astype(np.float32)
