"""The Transform component's graph: encoded image -> checked raw pixels.

Used by the stock Transform with `preprocessing_fn='components.transform.executor.preprocessing_fn'`.
"""

from __future__ import annotations

import tensorflow as tf

from components.transform import pixels
from serving.repository.contract import IMAGE_SHAPE


def preprocessing_fn(inputs: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """Decode and check every image.

    Args:
        inputs: `image` string [N], PNG; `label` int64 [N].

    Returns:
        `image` string [N], 784 raw uint8 pixels each, row-major; `label` int64 [N].

    Raises:
        tf.errors.InvalidArgumentError: (when the graph runs) an image can't be decoded or isn't 28x28x1.
    """
    images = tf.map_fn(lambda encoded: pixels.to_bytes(_decode(encoded)), inputs[pixels.IMAGE_KEY])
    return {pixels.IMAGE_KEY: images, pixels.LABEL_KEY: inputs[pixels.LABEL_KEY]}


def _decode(encoded: tf.Tensor) -> tf.Tensor:
    """Decode one image and stop if it has another shape: a silent resize would change what the generator learns."""
    image = tf.io.decode_png(encoded, channels=0, dtype=tf.uint8)
    found = tf.strings.reduce_join(tf.strings.as_string(tf.shape(image)), separator="x")
    wanted = "x".join(map(str, IMAGE_SHAPE))
    with tf.control_dependencies([tf.debugging.Assert(tf.equal(found, wanted), ["image is", found, "but must be", wanted])]):
        image = tf.identity(image)
    image.set_shape(IMAGE_SHAPE)
    return image
