"""Read transformed examples into memory."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from components.shape import ImageShape
from components.transform.pixels import parse_transformed, shape_of
from serving.repository.errors import UserError

COMPRESSION = "GZIP"  # as Transform writes them
_PARSE_BATCH = 4096  # examples parsed at once


def read_examples(patterns: list[str], limit: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Read transformed examples, in file order.

    Args:
        patterns: File patterns.
        limit: Examples to read; all if not given.

    Returns:
        Images uint8 [N, H, W, C] and labels int64 [N].

    Raises:
        UserError: There are none.
    """
    files = example_files(patterns)
    shape = read_shape(files)
    records = tf.data.TFRecordDataset(files, compression_type=COMPRESSION).take(-1 if limit is None else limit)
    batches = records.batch(_PARSE_BATCH).map(lambda batch: parse_transformed(batch, shape))
    images, labels = zip(*batches.as_numpy_iterator(), strict=True)
    return np.concatenate(images), np.concatenate(labels)


def example_files(patterns: list[str]) -> list[str]:
    """Find the files of some patterns, in the order of their names.

    Raises:
        UserError: There are none.
    """
    files = sorted(path for pattern in patterns for path in tf.io.gfile.glob(pattern))
    if not files:
        raise UserError(f"no examples match {', '.join(patterns)}: check the splits that Transform wrote")
    return files


def read_shape(files: list[str]) -> ImageShape:
    """Read the shape that the images of some files of transformed examples have.

    Raises:
        UserError: There are no examples, or they are of an older version and don't say.
    """
    first = next(iter(tf.data.TFRecordDataset(files, COMPRESSION).take(1).as_numpy_iterator()), None)
    if first is None:
        raise UserError(f"no examples in {', '.join(files)}: check the ingested splits")
    try:
        return shape_of(first)
    except TypeError:
        raise UserError(f"{files[0]} doesn't say which shape its images have: run again, which makes the examples anew") from None
