"""What the images of a split are, as keys of their content, and of which classes: one stream, in bounded memory."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from components.transform.pixels import IMAGE_KEY, LABEL_KEY

NO_LABEL = -1  # of a record without a class
_BATCH = 1024  # records decoded at once


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
    for batch in records.prefetch(1):
        try:
            images = _pixels(batch[IMAGE_KEY])
        except tf.errors.OpError:  # one of them is no image: TFDV or Transform says so
            images = batch[IMAGE_KEY]
        yield np.array([_key(image) for image in images.numpy()], np.uint64), batch[LABEL_KEY].numpy()


@tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
def _pixels(encoded: tf.Tensor) -> tf.Tensor:
    """Decode images: string [n], the pixels behind their shape."""

    def decode(image: tf.Tensor) -> tf.Tensor:
        return tf.io.serialize_tensor(tf.io.decode_image(image, expand_animations=False))

    return tf.map_fn(decode, encoded, fn_output_signature=tf.string)


def _key(content: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "big")
