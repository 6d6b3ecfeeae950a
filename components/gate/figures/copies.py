"""Near copies: how much nearer an image is to one train image than to the next ones, once small shifts and turns are undone.

The magnitudes of an image's spectrum don't change when it is shifted (Reddy & Chatterji 1996) and hardly when it is turned by a
few degrees, so that the nearest train images by them are the candidates; each of these few is aligned pixel by pixel. The cost is
one product with all train images, as for the nearest by pixels, and a bounded amount for each image.
"""

from __future__ import annotations

from itertools import product

import numpy as np
from scipy import ndimage

_COMPONENTS = 64  # principal components of the magnitudes
_CANDIDATES = 20  # train images aligned with each image
_SHIFT = 2  # pixels, in any direction
_ANGLES = (-5.0, 0.0, 5.0)  # degrees; a turn of 2 degrees still leaves a copy far nearer than any other image
_CHUNK = 50  # images compared at once: 75 alignments of each are 12 MB of 28x28 pixels
_FITTED = 10_000  # train images that the components are found from
_BLUR = 1.0  # pixels: noise on a copy, and what turning it has softened, must not hide it
_ENCODED = 1000  # images whose spectra are held at once
_WHITE = 255.0


class CopyIndex:
    """Train images, searched by the magnitudes of their spectra."""

    def __init__(self, images: np.ndarray) -> None:
        """Index train images uint8 [R, H, W, C], R > 0."""
        self._images = images
        first = _magnitudes(images[:_FITTED])
        self._mean = first.mean(0)
        centred = first - self._mean
        _, vectors = np.linalg.eigh((centred.T @ centred).astype(np.float64))
        self._components = np.ascontiguousarray(vectors[:, ::-1][:, :_COMPONENTS], np.float32)
        self._codes = np.concatenate([self._encode(images[i : i + _ENCODED]) for i in range(0, len(images), _ENCODED)])
        self._lengths = (self._codes**2).sum(1)

    def _encode(self, images: np.ndarray) -> np.ndarray:
        return (_magnitudes(images) - self._mean) @ self._components

    def closeness(self, images: np.ndarray) -> np.ndarray:
        """Measure how near each image is to one train image, by the measure of its neighbourhood (after Carlini et al. 2023).

        A distance by itself would not do: a plain stroke is near to hundreds of train images, copied or not.

        Args:
            images: uint8 [N, H, W, C].

        Returns:
            float32 [N] in 0..1: the distance to the nearest of 20 candidates over the mean distance to all of them, each the
            smallest over shifts of up to 2 pixels and turns of up to 6 degrees. 0 for a copy.
        """
        parts = [self._closeness(images[start : start + _CHUNK]) for start in range(0, len(images), _CHUNK)]
        return np.concatenate(parts) if parts else np.zeros(0, np.float32)

    def _closeness(self, images: np.ndarray) -> np.ndarray:
        partial = self._encode(images) @ self._codes.T
        partial *= -2
        partial += self._lengths
        count = min(_CANDIDATES, partial.shape[1])
        nearest = np.argpartition(partial, count - 1, axis=1)[:, :count]
        candidates = _smooth(self._images[nearest.ravel()]).reshape(len(images), count, -1)
        aligned = _alignments(_smooth(images))
        found = aligned @ candidates.transpose(0, 2, 1)
        found *= -2
        found += (aligned**2).sum(2)[:, :, np.newaxis]
        found += (candidates**2).sum(2)[:, np.newaxis]
        distances = np.sqrt(np.maximum(found.min(1), 0))
        return distances.min(1) / np.maximum(distances.mean(1), np.finfo(np.float32).tiny)


def _unit(images: np.ndarray) -> np.ndarray:
    return images.astype(np.float32) / _WHITE


def _smooth(images: np.ndarray) -> np.ndarray:
    return ndimage.gaussian_filter(_unit(images), (0, _BLUR, _BLUR, 0), mode="constant")


def _magnitudes(images: np.ndarray) -> np.ndarray:
    return np.abs(np.fft.rfft2(_unit(images), axes=(1, 2))).reshape(len(images), -1).astype(np.float32)


def _alignments(images: np.ndarray) -> np.ndarray:
    """Turn and shift images float32 [N, H, W, C]: [N, alignments, HWC]."""
    steps = range(2 * _SHIFT + 1)
    height, width = images.shape[1:3]
    found = []
    for angle in _ANGLES:
        turned = ndimage.rotate(images, angle, axes=(1, 2), reshape=False, order=1) if angle else images
        wide = np.pad(turned, ((0, 0), (_SHIFT, _SHIFT), (_SHIFT, _SHIFT), (0, 0)))
        found += [wide[:, y : y + height, x : x + width].reshape(len(images), -1) for y, x in product(steps, steps)]
    return np.stack(found, axis=1)
