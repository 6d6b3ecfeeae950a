"""What a generator of colour images ends in: layers that know what photographs have in common.

Red, green and blue are nearly the same picture, and what differs between them is faint and smooth. A generator that draws them
one by one draws colour noise, which takes a discriminator long to see. So it draws light and two faint colour differences, and
begins with smooth images.
"""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

COLOURS = 3
# Light, red against blue, green against both: an orthonormal basis, near the principal components of natural colours
# (Ruderman et al. 1998).
_BASIS = np.array([[1, 1, 1], [1, 0, -1], [1, -2, 1]]) / np.sqrt([[3], [2], [6]])
# Their strength in photographs, beside that of light: 1/3.5 and 1/7.7 on CIFAR-10.
_STRENGTH = np.array([1, 1 / 4, 1 / 8])
# Weights of a pixel's two nearest blocks along a side, for the first and for the second pixel of a pair: linear interpolation.
_NEAREST = ((0.75, 0.25), (0.25, 0.75))


def to_differences(images: tf.Tensor) -> tf.Tensor:
    """RGB to light and two colour differences, [N, H, W, 3] -> [N, H, W, 3]: a rotation, no strength is evened out."""
    return tf.einsum("nhwc,dc->nhwd", images, tf.constant(_BASIS, images.dtype))


class FromDifferences(keras.layers.Layer):
    """Light and colour differences, of about equal strength, to RGB: [N, H, W, 3] -> [N, H, W, 3]."""

    def call(self, values: tf.Tensor) -> tf.Tensor:
        """Convert."""
        matrix = _BASIS * _STRENGTH[:, None]
        return tf.einsum("nhwc,cd->nhwd", values, tf.constant(matrix, values.dtype))


class SmoothBlocks(keras.initializers.Initializer):
    """Kernel of a 2x2 convolution to blocks of 2x2 pixels: at first it interpolates a random projection.

    After Aitken et al. 2017. Independent kernels for the four pixels of a block draw a checkerboard
    that training takes long to remove.
    """

    def __init__(self, projection: keras.initializers.Initializer) -> None:
        """Take what draws the projection, [1, 1, channels in, channels out]."""
        self._projection = projection

    def __call__(self, shape: tuple[int, ...], dtype: str | None = None) -> tf.Tensor:
        """Make the kernel [2, 2, channels in, 4 * channels out]."""
        projection = self._projection((1, 1, shape[2], shape[3] // 4), dtype=dtype)
        weights = [[np.outer(_NEAREST[row], _NEAREST[column])[..., None, None] for column in range(2)] for row in range(2)]
        return tf.concat([tf.cast(weight, projection.dtype) * projection for row in weights for weight in row], axis=-1)
