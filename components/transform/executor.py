"""The Transform component's graph: encoded image -> raw pixels of the run's one shape.

Used by the stock Transform with `preprocessing_fn='components.transform.executor.preprocessing_fn'`. Nothing else scales images
or converts colours: what this graph makes is what is trained on, judged, compared and shown.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from components.classes import ONE_GROUP
from components.shape import ImageShape
from components.transform import pixels

# Keys of the custom configuration: the shape as a list, and a colour "#rrggbb".
SHAPE, BACKGROUND = "shape", "background"
_LUMA = (0.2989, 0.587, 0.114)  # of red, green and blue in a grey (ITU-R BT.601)
_MAX = 255.0
_LARGE = 4096  # pixels: an image with a larger middle square is shrunk to a whole part of it first, or it fills gigabytes


def preprocessing_fn(inputs: dict[str, tf.Tensor], custom_config: dict[str, Any]) -> dict[str, tf.Tensor]:
    """Decode every image and bring it to the shape; one that has it already keeps its very bits.

    Args:
        inputs: `image` string [N], PNG, JPEG, GIF (its first frame) or BMP; `label` int64 [N], unless the images are unlabelled.
        custom_config: `shape` [height, width, channels] and `background` "#rrggbb", which shows through transparent pixels.

    Returns:
        `image` string [N], raw uint8 pixels, row-major; `label` int64 [N], of unlabelled images ONE_GROUP; `shape` int64 [N, 3].

    Raises:
        tf.errors.InvalidArgumentError: (when the graph runs) an image can't be decoded.
    """
    shape, background = ImageShape(*custom_config[SHAPE]), _rgb(custom_config[BACKGROUND])
    encoded = inputs[pixels.IMAGE_KEY]
    # One at a time: side by side, a few large images would fill the memory, and small ones aren't faster.
    images = tf.map_fn(
        lambda one: pixels.to_bytes(to_shape(_decode(one), shape, background), shape), encoded, parallel_iterations=1
    )
    shapes = tf.tile(tf.constant([shape], tf.int64), [tf.size(encoded), 1])
    labels = (
        inputs[pixels.LABEL_KEY] if pixels.LABEL_KEY in inputs else tf.fill([tf.size(encoded)], tf.constant(ONE_GROUP, tf.int64))
    )
    return {pixels.IMAGE_KEY: images, pixels.LABEL_KEY: labels, pixels.SHAPE_KEY: shapes}


def to_shape(image: tf.Tensor, shape: ImageShape, background: tuple[int, int, int]) -> tf.Tensor:
    """Flatten, convert, crop to the middle square and scale an image: each only where it must be.

    Scaling averages over areas: each pixel is the mean of what it covers, so that fine patterns don't turn into coarse ones.

    Args:
        image: uint8 [h, w, c]; c 1 (grey), 2 (grey, alpha), 3 (RGB) or 4 (RGB, alpha).
        shape: What it becomes; square, 1 or 3 channels.
        background: RGB, 0..255, behind transparent pixels.

    Returns:
        uint8 [H, W, C].
    """
    fits = tf.reduce_all(tf.shape(image) == tf.constant(shape))
    return tf.ensure_shape(tf.cond(fits, lambda: image, lambda: _brought(image, shape, background)), shape)


def _brought(image: tf.Tensor, shape: ImageShape, background: tuple[int, int, int]) -> tf.Tensor:
    size = tf.shape(image)
    height, width, channels = size[0], size[1], size[2]
    side = tf.minimum(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = image[top : top + side, left : left + side]
    parts = (side + _LARGE - 1) // _LARGE
    side = side // parts
    values = tf.cond(parts > 1, lambda: _scaled(square, [side, side]), lambda: tf.cast(square, tf.float32))
    has_alpha = channels % 2 == 0
    colours = tf.broadcast_to(values[..., : channels - tf.cast(has_alpha, tf.int32)], [side, side, 3])
    colours = tf.cond(has_alpha, lambda: _flattened(colours, values[..., -1:] / _MAX, background), lambda: colours)
    if shape.channels == 1:
        colours = tf.reduce_sum(colours * tf.constant(_LUMA), axis=-1, keepdims=True) / sum(_LUMA)
    return tf.cast(tf.clip_by_value(tf.round(_scaled(colours, shape[:2])), 0.0, _MAX), tf.uint8)


def _flattened(colours: tf.Tensor, alpha: tf.Tensor, background: tuple[int, int, int]) -> tf.Tensor:
    return colours * alpha + tf.constant(background, tf.float32) * (1.0 - alpha)


def _scaled(image: tf.Tensor, size: Any) -> tf.Tensor:
    return tf.image.resize(image[tf.newaxis], size, tf.image.ResizeMethod.AREA)[0]


def _decode(encoded: tf.Tensor) -> tf.Tensor:
    image = tf.io.decode_image(encoded, channels=0, dtype=tf.uint8, expand_animations=False)
    image.set_shape([None, None, None])
    return image


def _rgb(colour: str) -> tuple[int, int, int]:
    """Read "#rrggbb"."""
    red, green, blue = bytes.fromhex(colour.removeprefix("#"))
    return red, green, blue
