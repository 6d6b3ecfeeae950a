"""Train images to compare with: which one is nearest to an image, and how near.

Nearness is that of pixels, in the space of their principal components: it depends on no network, so that no network's blind spot
can hide a copy, and a little noise on a copy mostly falls outside of that space. A classifier's features would not do: they draw
the images of a class together, copied or not.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from components.judge.principal import chunks, main_components

_CHUNK = 100  # images compared at once: against 60,000 train images 24 MB of float32 distances


@dataclass(frozen=True)
class TrainMemory:
    """Train images with the components that span their space.

    Attributes:
        images: uint8 [R, H, W, C].
        mean: float32 [P], of the pixels in [0, 1].
        components: float32 [P, K], orthonormal columns.
    """

    images: np.ndarray
    mean: np.ndarray
    components: np.ndarray

    @classmethod
    def of(cls, images: np.ndarray, size: int) -> TrainMemory:
        """Find the `size` main components of images uint8 [R, H, W, C]."""
        return cls(images, *main_components(images, size))

    @cached_property
    def _codes(self) -> np.ndarray:
        return self.encode(self.images)

    @cached_property
    def _lengths(self) -> np.ndarray:
        return (self._codes**2).sum(1)

    def encode(self, images: np.ndarray) -> np.ndarray:
        """Return float32 [N, K], the components of images uint8 [N, H, W, C]."""
        return np.concatenate([(rows - self.mean) @ self.components for rows in chunks(images)])

    def residuals(self, images: np.ndarray) -> np.ndarray:
        """Measure what of images uint8 [N, H, W, C] lies outside the components: float32 [N], Euclidean over pixels in [0, 1].

        Faint noise and edges where no real image has any are in here.
        """
        parts = []
        for rows in chunks(images):
            centred = rows - self.mean
            inside = centred @ self.components
            parts.append(np.sqrt(np.maximum((centred**2).sum(1) - (inside**2).sum(1), 0)))
        return np.concatenate(parts)

    def nearest(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Find the nearest train image of each image.

        Args:
            images: uint8 [N, H, W, C].

        Returns:
            Distances float32 [N], Euclidean over pixels in [0, 1], and the train images' places int64 [N].
        """
        codes = self.encode(images)
        places = np.zeros(len(codes), np.int64)
        for start in range(0, len(codes), _CHUNK):
            # The row's own length is the same for all: it doesn't decide who is nearest.
            partial = codes[start : start + _CHUNK] @ self._codes.T
            partial *= -2
            partial += self._lengths
            places[start : start + _CHUNK] = partial.argmin(1)
        # Again from the difference itself: the products above lose the digits of small distances.
        return np.sqrt(((codes - self._codes[places]) ** 2).sum(1)), places
