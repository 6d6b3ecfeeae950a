"""Read transformed examples into memory."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from components.transform.pixels import parse_transformed
from serving.repository.errors import UserError

_PARSE_BATCH = 4096  # examples parsed at once


def read_examples(patterns: list[str], limit: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Read transformed examples, in file order.

    Args:
        patterns: File patterns.
        limit: Examples to read; all if not given.

    Returns:
        Images uint8 [N, 28, 28, 1] and labels int64 [N].

    Raises:
        UserError: There are none.
    """
    files = sorted(path for pattern in patterns for path in tf.io.gfile.glob(pattern))
    if not files:
        raise UserError(f"no examples match {', '.join(patterns)}: check the splits that Transform wrote")
    records = tf.data.TFRecordDataset(files, compression_type="GZIP").take(-1 if limit is None else limit)
    parts = list(records.batch(_PARSE_BATCH).map(parse_transformed).as_numpy_iterator())
    if not parts:
        raise UserError(f"no examples in {', '.join(patterns)}: check the ingested splits")
    images, labels = zip(*parts, strict=True)
    return np.concatenate(images), np.concatenate(labels)
