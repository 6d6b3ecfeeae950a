"""Augmented views for the discriminator: what keeps it from learning a small set by heart.

The same random changes to real and to generated images, differentiable, so that the generator learns through them (DiffAugment,
Zhao et al. 2020). Each change happens with a probability below 1: then most likely nothing happened, and what the generator
gains by drawing shifted or recoloured images itself is nothing (Karras et al. 2020, ADA, section 2.2). Every draw follows from
the row's seed, so that a continued training sees the same ones.
"""

from __future__ import annotations

import tensorflow as tf

from components.gan.latents import uniform

_COUNT = 9  # numbers that one image's changes take
_SHIFT = 1 / 8  # of the side, at most, in each direction
_CUTOUT = 1 / 2  # of the side
_BRIGHTNESS, _CONTRAST = 0.25, 0.5  # of the whole range, and relative; at most


def augment(images: tf.Tensor, seeds: tf.Tensor, probability: float, stream: int) -> tf.Tensor:
    """Change images: shift, cut a square out, and where they have colour brighten and contrast.

    Args:
        images: float32 [N, H, W, C] in [-1, 1].
        seeds: int64 [N], one for each row.
        probability: Of each of the changes, 0..1.
        stream: Streams of one seed are independent.

    Returns:
        float32 [N, H, W, C]; what is shifted in or cut out is 0, the middle grey.
    """
    drawn = tf.cast(uniform(seeds, _COUNT, stream), tf.float32)
    happens = tf.cast(drawn[:, :3] < probability, tf.float32)
    if images.shape[-1] > 1:
        images = _recolour(images, happens[:, 0], drawn[:, 3], drawn[:, 4])
    images = _shift(images, happens[:, 1, None] * (2.0 * drawn[:, 5:7] - 1.0))
    return images * _kept(images.shape, happens[:, 2], drawn[:, 7:9])


def _recolour(images: tf.Tensor, happens: tf.Tensor, brightness: tf.Tensor, contrast: tf.Tensor) -> tf.Tensor:
    """Add to all pixels of an image, and stretch them about their mean, by amounts drawn from 0..1."""
    added = happens * (2.0 * brightness - 1.0) * 2.0 * _BRIGHTNESS
    stretched = happens * (2.0 * contrast - 1.0) * _CONTRAST
    mean = tf.reduce_mean(images, axis=[1, 2, 3], keepdims=True)
    return images + stretched[:, None, None, None] * (images - mean) + added[:, None, None, None]


def _shift(images: tf.Tensor, by: tf.Tensor) -> tf.Tensor:
    """Shift each image by whole pixels; `by` is [N, 2] in -1..1 of the largest shift.

    By matrices of ones and zeros, one for each image and axis: exact, and quick to differentiate.
    """
    for axis, equation in ((1, "nij,njwc->niwc"), (2, "nij,nhjc->nhic")):
        side = images.shape[axis]
        offset = tf.cast(tf.round(by[:, axis - 1] * max(1, round(side * _SHIFT))), tf.int32)
        # A place beyond the image is a row of zeros.
        images = tf.einsum(equation, tf.one_hot(offset[:, None] + tf.range(side), side), images)
    return images


def _kept(shape: tf.TensorShape, happens: tf.Tensor, centre: tf.Tensor) -> tf.Tensor:
    """Return float32 [N, H, W, 1]: 0 inside of a square about a centre, [N, 2] in 0..1 of the sides, where it happens; else 1."""
    inside = []
    for axis, side in enumerate(shape[1:3]):
        distance = tf.abs(tf.range(side, dtype=tf.float32)[None, :] + 0.5 - centre[:, axis, None] * side)
        inside.append(tf.cast(distance < side * _CUTOUT / 2, tf.float32))
    square = inside[0][:, :, None, None] * inside[1][:, None, :, None]
    return 1.0 - happens[:, None, None, None] * square
