"""The one pixel path: how transformed examples become images, and how images become network values and back.

Trainers, the gate and the serving signatures all go through these functions, so a pixel means the same everywhere.
"""

from __future__ import annotations

import tensorflow as tf

from components.shape import ImageShape

# Features of the raw and of the transformed examples.
IMAGE_KEY = "image"
LABEL_KEY = "label"
# Of the transformed examples alone: height, width and channels, the same in all, so that they say themselves what they hold.
SHAPE_KEY = "shape"
# Half of the uint8 range: pixel 0 is -1.0, pixel 255 is +1.0.
_HALF_RANGE = 127.5


def parse_transformed(serialized: tf.Tensor, shape: ImageShape) -> tuple[tf.Tensor, tf.Tensor]:
    """Parse a batch of transformed tf.Examples.

    Args:
        serialized: string [N], serialized tf.Examples as Transform writes them.
        shape: What `shape_of` says of any of them.

    Returns:
        Images uint8 [N, H, W, C] and labels int64 [N].

    Raises:
        tf.errors.InvalidArgumentError: An example lacks a feature or an image hasn't as many bytes as its shape.
    """
    features = tf.io.parse_example(
        serialized, {IMAGE_KEY: tf.io.FixedLenFeature([], tf.string), LABEL_KEY: tf.io.FixedLenFeature([], tf.int64)}
    )
    # The number of images is said, not inferred: rows of another length could otherwise pass as more or fewer images.
    images = tf.reshape(tf.io.decode_raw(features[IMAGE_KEY], tf.uint8), [tf.shape(serialized)[0], *shape])
    return images, features[LABEL_KEY]


def shape_of(record: bytes) -> ImageShape:
    """Read the shape that a transformed example says its image has.

    Raises:
        TypeError: It says none.
    """
    return ImageShape(*tf.train.Example.FromString(record).features.feature[SHAPE_KEY].int64_list.value)


def to_bytes(image: tf.Tensor, shape: ImageShape) -> tf.Tensor:
    """Turn one image into its raw byte string, the inverse of `tf.io.decode_raw`.

    TensorFlow has no op for this, but a serialized uint8 tensor ends with its raw bytes: cutting them off is several times
    faster than joining as many one-byte strings.

    Args:
        image: uint8 [H, W, C].
        shape: Its shape.

    Returns:
        string scalar, H * W * C bytes, row-major.
    """
    return tf.strings.substr(tf.io.serialize_tensor(image), -shape.bytes, shape.bytes)


def scale(images: tf.Tensor) -> tf.Tensor:
    """Scale pixels to network values.

    Args:
        images: uint8, any shape.

    Returns:
        float32 in [-1, 1], same shape.
    """
    return tf.cast(images, tf.float32) / _HALF_RANGE - 1.0


def quantise(values: tf.Tensor) -> tf.Tensor:
    """Round network values to pixels, the inverse of `scale`.

    Args:
        values: float in [-1, 1], any shape; values outside are clipped.

    Returns:
        uint8, same shape.
    """
    pixels = tf.round((tf.cast(values, tf.float32) + 1.0) * _HALF_RANGE)
    return tf.cast(tf.clip_by_value(pixels, 0.0, 255.0), tf.uint8)
