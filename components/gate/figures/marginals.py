"""What every image shares: statistics of single pixels and of single frequencies, which no network has to notice.

A classifier with strides and a short feature passes over high frequencies and over what is the same in every image; a mark in a
corner or a faint pattern moves its features little. Here each coordinate is held to the train images' by itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# Bytes are rounded reals: what no rounding could tell apart is no difference (Sheppard 1898: variance 1/12 of a step).
_ROUNDING = 1 / 12
_CONSTANT = 0.04  # of the average variance: below a fifth of the contrast that images have nobody sees a change


@dataclass(frozen=True)
class Marginals:
    """Mergeable sums of each coordinate: count, totals float64 [P], squares float64 [P]."""

    count: float
    totals: np.ndarray
    squares: np.ndarray

    @classmethod
    def of(cls, values: np.ndarray) -> Marginals:
        """Sum up values [N, P]."""
        return cls(float(len(values)), values.sum(0, dtype=np.float64), np.einsum("np,np->p", values, values, dtype=np.float64))

    @classmethod
    def nothing(cls, size: int) -> Marginals:
        """Return the sums of no values of P coordinates."""
        return cls(0.0, np.zeros(size), np.zeros(size))

    def __add__(self, other: Marginals) -> Marginals:
        return Marginals(self.count + other.count, self.totals + other.totals, self.squares + other.squares)

    def __sub__(self, other: Marginals) -> Marginals:
        return Marginals(self.count - other.count, self.totals - other.totals, self.squares - other.squares)

    def mean_and_variance(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean and variance float64 [P]; not-a-number without values."""
        if not self.count:
            return np.full_like(self.totals, np.nan), np.full_like(self.totals, np.nan)
        mean = self.totals / self.count
        return mean, np.maximum(self.squares / self.count - mean**2, 0.0)


def pixel_values(images: np.ndarray) -> np.ndarray:
    """Return pixels as coordinates: uint8 [N, H, W, C] to float32 [N, HWC] in 0..255."""
    return images.reshape(len(images), -1).astype(np.float32)


def log_powers(images: np.ndarray) -> np.ndarray:
    """Return how much of each frequency there is in single images.

    Every coefficient by itself: averaging over rings (Durall et al. 2020) would dilute a checkerboard, which is one coefficient.

    Args:
        images: uint8 [N, H, W, C].

    Returns:
        float32 [N, H * (W // 2 + 1)]: natural logarithm of the power, summed over channels, above that of rounding.
    """
    spectra = np.fft.rfft2(images.astype(np.float32), axes=(1, 2))
    power = (spectra.real**2 + spectra.imag**2).sum(3) / (images.shape[1] * images.shape[2])
    return np.log(power.reshape(len(images), -1) + _ROUNDING * images.shape[3]).astype(np.float32)


def contrast(pixels: Marginals) -> float:
    """Return the variance, in squared bytes, below which a pixel counts as constant: 4 % of the average pixel's.

    Where a pixel is the same in every real image any change at all would be infinitely many of its standard deviations.
    """
    return _CONSTANT * float(pixels.mean_and_variance()[1].mean()) + _ROUNDING


def largest_mean_shift(generated: Marginals, reference: Marginals, least_variance: float = 0.0) -> float:
    """Return the largest difference of a coordinate's mean, in the reference's standard deviations.

    Args:
        generated: Sums over generated images.
        reference: Sums over real train images of the same classes.
        least_variance: Added to each coordinate's.
    """
    (mean, _), (wanted, variance) = generated.mean_and_variance(), reference.mean_and_variance()
    return float(np.max(np.abs(mean - wanted) / np.sqrt(variance + least_variance)))


def largest_spread_shift(generated: Marginals, reference: Marginals, least_variance: float = 0.0) -> float:
    """Return the largest difference of a coordinate's standard deviation, as the logarithm of the ratio; 0 for none."""
    (_, spread), (_, wanted) = generated.mean_and_variance(), reference.mean_and_variance()
    return float(np.max(np.abs(np.log((spread + least_variance) / (wanted + least_variance)))) / 2)
