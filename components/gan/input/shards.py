"""The files of the transformed examples: what each holds, in which order, and that each can be read to its end."""

from __future__ import annotations

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import tensorflow as tf

from components.shape import ImageShape
from components.transform.examples import COMPRESSION
from components.transform.pixels import parse_transformed, shape_of
from serving.repository.durable import replace_file
from serving.repository.errors import UserError

_FILE = "shards.json"  # path -> [bytes, examples, labels, shape, digest]
_AT_ONCE = 4  # files read at the same time
_BATCH = 1024  # examples read at once
_FRAME = 16  # bytes that TFRecord adds to each: its length and two checksums


@dataclass(frozen=True)
class Shards:
    """Files of examples.

    Attributes:
        paths: In the order of their names.
        counts: Examples in each.
        labels: Classes that occur, in order.
        shape: Of every image.
        digest: SHA-256 of all images and labels, in the order of the files.
    """

    paths: tuple[str, ...]
    counts: tuple[int, ...]
    labels: tuple[int, ...]
    shape: ImageShape
    digest: str

    @property
    def count(self) -> int:
        """Examples in all."""
        return sum(self.counts)


def find_shards(patterns: list[str], directory: Path) -> Shards:
    """Find the files and count their examples, which checks every record's checksum and each file's end.

    Args:
        patterns: File patterns.
        directory: The training's own; what was counted is noted there, so that a continued training need not read all again.

    Raises:
        UserError: There are no examples, or a file is damaged.
    """
    paths = sorted(path for pattern in patterns for path in tf.io.gfile.glob(pattern))
    sizes = [tf.io.gfile.stat(path).length for path in paths]
    noted = directory / _FILE
    known = json.loads(noted.read_text(encoding="utf-8")) if noted.exists() else {}
    if known.keys() != set(paths) or any(known[path][0] != size for path, size in zip(paths, sizes, strict=True)):
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            found = list(pool.map(_look_through, paths))
        known = {path: [size, *seen] for path, size, seen in zip(paths, sizes, found, strict=True)}
        directory.mkdir(parents=True, exist_ok=True)
        replace_file(noted, json.dumps(known))
    counts = tuple(known[path][1] for path in paths)
    if not sum(counts):
        raise UserError(f"no examples match {', '.join(patterns)}: check data.train_split")
    labels = sorted({label for _, _, labels, *_ in known.values() for label in labels})
    shape = next(shape for *_, shape, _ in known.values() if shape)
    order = hashlib.sha256("".join(known[path][4] for path in paths).encode())
    return Shards(tuple(paths), counts, tuple(labels), ImageShape(*shape), order.hexdigest())


def _look_through(path: str) -> tuple[int, list[int], ImageShape | None, str]:
    """Count a file's examples, name their classes and their images' shape (None where there are none), and digest them."""
    count = size = 0
    labels: set[int] = set()
    shape, digest = None, hashlib.sha256()
    try:
        for batch in tf.data.TFRecordDataset(path, COMPRESSION).batch(_BATCH):
            count += len(batch)
            shape = shape or shape_of(batch[0].numpy())
            images, truth = (values.numpy() for values in parse_transformed(batch, shape))
            labels.update(truth.tolist())
            # Of what is in the examples: their serialized form may differ from one writing to the next.
            digest.update(images.tobytes())
            digest.update(truth.tobytes())
            size += int(tf.reduce_sum(tf.strings.length(batch))) + len(batch) * _FRAME
    except tf.errors.DataLossError as error:
        raise _damaged(path, error.message.rpartition("}} ")[2].partition(" [Op")[0]) from None
    if size % 2**32 != _noted_size(path):  # TensorFlow takes a cut between two examples for the end
        raise _damaged(path, "its end is missing")
    return count, sorted(labels), shape, digest.hexdigest()


def _noted_size(path: str) -> int:
    """Read the last field of a gzip file: the length of its content, modulo 2^32; 0 for an empty file."""
    with tf.io.gfile.GFile(path, "rb") as file:
        file.seek(max(file.size() - 4, 0))
        return int.from_bytes(file.read(), "little")


def _damaged(path: str, reason: str) -> UserError:
    return UserError(f"{path} is damaged ({reason}): run again with another --home, which makes the examples anew")
