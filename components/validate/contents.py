"""What the images of a split are, as keys of their content, and of which classes: one stream, in bounded memory."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from components.transform.pixels import IMAGE_KEY, LABEL_KEY

NO_LABEL = -1  # of a record without a class
_BATCH = 32  # records read at once, undecoded: of photographs each may be some megabytes
_DECODED = 2  # images decoded at once


def contents(pattern: str) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Read a split's records.

    Args:
        pattern: Files of serialized tf.Examples, as ingest writes them.

    Yields:
        Keys uint64 [n], hashes of the decoded pixels and their shape, so that another compression of the same image has the
        same key; and labels int64 [n], NO_LABEL where there is none. An image that can't be decoded has the key of its bytes.
    """
    files = sorted(tf.io.gfile.glob(pattern))
    features = {
        IMAGE_KEY: tf.io.FixedLenFeature([], tf.string, ""),
        LABEL_KEY: tf.io.FixedLenFeature([], tf.int64, NO_LABEL),
    }
    records = tf.data.TFRecordDataset(files, "GZIP").batch(_BATCH).map(lambda batch: tf.io.parse_example(batch, features))
    for batch in records:
        try:
            prints = list(_fingerprints(batch[IMAGE_KEY]).numpy())
        except tf.errors.OpError:  # one of them is no image: TFDV or Transform says so
            prints = [_fingerprint_or_bytes(image) for image in batch[IMAGE_KEY]]
        yield np.array([_key(bytes(one)) for one in prints], np.uint64), batch[LABEL_KEY].numpy()


@tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
def _fingerprints(encoded: tf.Tensor) -> tf.Tensor:
    """Decode images, and keep of each but its shape and a fingerprint of its pixels: uint8 [n, 32]."""

    def fingerprint(image: tf.Tensor) -> tf.Tensor:
        pixels = tf.io.decode_image(image, expand_animations=False)
        shape = tf.bitcast(tf.shape(pixels, tf.int64), tf.uint8)
        return tf.concat([tf.reshape(shape, [-1]), tf.fingerprint(tf.reshape(pixels, [1, -1]))[0]], 0)

    return tf.map_fn(fingerprint, encoded, parallel_iterations=_DECODED, fn_output_signature=tf.uint8)


def _fingerprint_or_bytes(image: tf.Tensor) -> bytes:
    try:
        return bytes(_fingerprints(image[tf.newaxis]).numpy()[0])
    except tf.errors.OpError:
        return image.numpy()


def _key(content: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "big")
