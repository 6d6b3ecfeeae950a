"""What the peers have in common: no classes, normal latents, a tf.data input as their authors write it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import keras
import numpy as np
import tensorflow as tf

from components.transform.pixels import quantise, scale

_ROWS = 500  # images drawn at once


class Unconditional:
    """A GAN that is trained step by step from a stream of batches."""

    conditional = False

    def __init__(
        self,
        generator: keras.Model,
        latent_size: int,
        step: Callable[[tf.Tensor], object],
        stream: Iterator[tf.Tensor],
        images_a_step: int,
    ) -> None:
        """Compile the step by running it once; a first step more or less changes nothing of the outcome."""
        self.images_seen = 0
        self._generator, self._latent_size, self._step = generator, latent_size, step
        self._stream, self._images_a_step = stream, images_a_step
        self._take()

    def train(self, seconds: float) -> float:
        """Train until the time is over."""
        began = time.monotonic()
        while (passed := time.monotonic() - began) < seconds:
            self._take()
        return passed

    def draw(self, labels: np.ndarray) -> np.ndarray:
        """Draw as many images as there are labels; of which classes, nobody can say."""
        latents = tf.random.stateless_normal([len(labels), self._latent_size], [1, 2])
        parts = [
            quantise(self._generator(latents[first : first + _ROWS], training=False)).numpy()
            for first in range(0, len(labels), _ROWS)
        ]
        return np.concatenate(parts)

    def _take(self) -> None:
        self._step(next(self._stream))
        self.images_seen += self._images_a_step


def batches(images: np.ndarray, size: int) -> Iterator[tf.Tensor]:
    """Shuffled batches float32 [size, H, W, C] in [-1, 1], again and again."""
    data = tf.data.Dataset.from_tensor_slices(images).shuffle(len(images), seed=1).repeat().batch(size, drop_remainder=True)
    return iter(data.map(scale, num_parallel_calls=tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE))
