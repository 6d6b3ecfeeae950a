"""Figures that look at classes: their shares, and the variety within them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


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


def smallest_share(shares: np.ndarray) -> float:
    """Return the smallest of the classes that there are real images of: some datasets name more (emnist/letters)."""
    known = shares[~np.isnan(shares)]
    return float(known.min()) if len(known) else float("nan")


@dataclass(frozen=True)
class ClassSums:
    """Mergeable sums of features by class: counts int64 [C], sums float64 [C, D], sums of squared lengths float64 [C]."""

    counts: np.ndarray
    totals: np.ndarray
    squares: np.ndarray

    @classmethod
    def of(cls, features: np.ndarray, labels: np.ndarray, classes: int) -> ClassSums:
        """Sum up features [N, D] by labels int64 [N] in 0..C-1."""
        features = np.asarray(features, np.float64)
        members = np.zeros((classes, len(labels)))
        members[labels, np.arange(len(labels))] = 1.0
        return cls(members.sum(1).astype(np.int64), members @ features, members @ (features**2).sum(1))

    def __add__(self, other: ClassSums) -> ClassSums:
        return ClassSums(self.counts + other.counts, self.totals + other.totals, self.squares + other.squares)

    def spread(self) -> float:
        """Pooled variance within classes, summed over features: half the mean squared distance of two images of one class."""
        counted = self.counts > 1
        if not counted.any():
            return float("nan")
        around = self.squares[counted] - (self.totals[counted] ** 2).sum(1) / self.counts[counted]
        return float(around.sum() / (self.counts[counted] - 1).sum())


def diversity_ratio(generated: ClassSums, real: ClassSums) -> float:
    """Within-class diversity of generated images as a multiple of the real images'.

    Returns:
        1 for equal variety, 0 for one image a class, above 1 for noise; not-a-number where no class has two real images.
    """
    spread = real.spread()
    return generated.spread() / spread if spread > 0 else float("nan")
