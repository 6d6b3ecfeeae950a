"""The frequencies of images, shown to the discriminator beside their pixels.

Strided convolutions hardly see the highest frequencies, and a penalty on the gradient of the pixels keeps a discriminator from
minding what faint noise changes: generated images differ most from real ones there (Durall et al. 2020; Chen et al. 2021,
SSD-GAN). Here each coefficient's log-power is an input of its own, with a penalty of its own.
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from components.gan.recipes.colour import COLOURS, to_differences
from components.shape import ImageShape

# Added to a power of values in -1..1: about what the highest frequencies of photographs have. The logarithm's slope stays finite.
_LEAST_POWER = 5e-4


def spectrum_size(shape: ImageShape) -> int:
    """Return the number of coefficients of an image: half of the plane, the rest mirrors it."""
    return shape.channels * shape.height * (shape.width // 2 + 1)


def shown(images: tf.Tensor, weight: float) -> list[tf.Tensor]:
    """Return what a discriminator is shown of images, besides the label.

    Args:
        images: float32 [N, H, W, C] in [-1, 1].
        weight: Of the spectrum; 0 leaves it out.

    Returns:
        The images, and after them their spectrum, float32 [N, S].
    """
    return [images, log_spectrum(images, weight)] if weight else [images]


def log_spectrum(images: tf.Tensor, weight: float) -> tf.Tensor:
    """Return each frequency's log-power above that of a 1/f^2 spectrum, near which those of natural images are.

    Args:
        images: float32 [N, H, W, C]; of colour images light and colour differences are looked at one by one.
        weight: Factor.

    Returns:
        float32 [N, C * H * (W // 2 + 1)].
    """
    height, width, channels = images.shape[1:]
    planes = to_differences(images) if channels == COLOURS else images
    spectra = tf.signal.rfft2d(tf.transpose(tf.cast(planes, tf.float32), [0, 3, 1, 2]))
    power = (tf.square(tf.math.real(spectra)) + tf.square(tf.math.imag(spectra))) / (height * width)
    rows, columns = np.arange(height)[:, None], np.arange(width // 2 + 1)
    frequency = np.maximum(np.minimum(rows, height - rows) ** 2 + columns**2, 1)
    above = tf.math.log(power + _LEAST_POWER) + tf.constant(np.log(frequency), tf.float32)
    return tf.reshape(weight * above, [-1, channels * frequency.size])
