"""Missing styles: whether each class's images come in all the ways that the train images do.

Recall and coverage ask whether there is a generated image near a real one; where a style is rare, or neighbours lie far apart,
one that is missing altogether moves them little. Here the train images of each class are parted into bins, and the share of each
bin is counted (after the number of statistically different bins, Richardson & Weiss 2018).
"""

from __future__ import annotations

import numpy as np
from scipy.cluster.vq import kmeans2

_BINS = 20  # of each class: at 10,000 images of 10 classes 50 are expected in one
_FITTED = 3000  # train images of a class that its bins are found from
_LEAST = 20  # train images that a bin must have: with fewer its share says nothing


def fit_styles(codes: np.ndarray, labels: np.ndarray, classes: int, seed: int = 0) -> np.ndarray:
    """Part each class's train images into bins by k-means.

    Args:
        codes: float32 [N, K], principal components of pixels.
        labels: int64 [N].
        classes: Number of classes C.
        seed: Of the first centres.

    Returns:
        float32 [C, B, K]: the centres of the bins; not-a-number for those that a class has too few images for.
    """
    centres = np.full((classes, _BINS, codes.shape[1]), np.nan, np.float32)
    for label in range(classes):
        own = codes[labels == label][:_FITTED]
        bins = min(_BINS, len(own) // _LEAST)
        if bins > 1:
            centres[label, :bins] = kmeans2(own, bins, iter=20, minit="++", rng=np.random.default_rng(seed))[0]
    return centres


def styles_of(codes: np.ndarray, labels: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Find the bin of each image, int64 [N] in 0..B-1, from codes [N, K] and labels int64 [N]; -1 where its class has none."""
    found = np.full(len(codes), -1, np.int64)
    for label in np.unique(labels):
        known = ~np.isnan(centres[label, :, 0])
        if known.any():
            own, kept = labels == label, centres[label, known]
            found[own] = ((kept**2).sum(1) - 2 * codes[own] @ kept.T).argmin(1)
    return found


def count_styles(codes: np.ndarray, labels: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Count the images in each bin of their class: codes [N, K] and labels int64 [N] to int64 [C, B]."""
    classes, bins, _ = centres.shape
    found = styles_of(codes, labels, centres)
    known = found >= 0
    return np.bincount(labels[known] * bins + found[known], minlength=classes * bins).reshape(classes, bins)


def style_gap(counts: np.ndarray, reference: np.ndarray) -> float:
    """Measure how differently the bins of each class are filled.

    Pearson's chi-square with the classes' own sizes given, less what chance alone adds, for each image: its value does not depend
    on how many there are.

    Args:
        counts: int64 [C, B], generated images in each bin.
        reference: int64 [C, B], train images in each bin.

    Returns:
        0 for equal shares, about 1 where half of the bins are empty; not-a-number where no class has bins or images.
    """
    chance, excess, images = 0, 0.0, 0
    for own, known in zip(counts, reference, strict=True):
        filled = known > 0
        if filled.sum() < 2 or not own.sum():
            continue
        expected = known[filled] / known.sum() * own.sum()
        excess += float(((own[filled] - expected) ** 2 / expected).sum())
        # The reference is a sample as well: its own noise adds to the difference.
        chance += (filled.sum() - 1) * (1 + own.sum() / known.sum())
        images += int(own.sum())
    return (excess - chance) / images if images else float("nan")
