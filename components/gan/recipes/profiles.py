"""The rows' and columns' profiles of images, shown to the discriminator beside their pixels.

How far a thing extends, to the pixel, follows from places that are far apart, which convolutions don't bring together: the longer
side of every digit of MNIST has 20 pixels, that of generated ones hardly in every third (docs/trials.md).
"""

from __future__ import annotations

import tensorflow as tf

from components.shape import ImageShape

_FIGURES = 2  # of each row and column: its largest value and its mean


def profiles_size(shape: ImageShape) -> int:
    """Return the number of values of an image's profiles."""
    return _FIGURES * (shape.height + shape.width)


def profiles(images: tf.Tensor, weight: float) -> tf.Tensor:
    """Return each row's and each column's largest value and mean, over all channels.

    Args:
        images: float32 [N, H, W, C].
        weight: Factor.

    Returns:
        float32 [N, 2 * (H + W)]: the rows' largest values, the columns', the rows' means, the columns'.
    """
    row, column = [2, 3], [1, 3]  # the axes that are left out
    values = [reduce(images, axes) for reduce in (tf.reduce_max, tf.reduce_mean) for axes in (row, column)]
    return weight * tf.concat(values, axis=1)
