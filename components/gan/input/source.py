"""Where the real images of each step come from: one tensor in memory where they fit, else a stream from files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import tensorflow as tf

from components.gan.input.shards import find_shards
from components.gan.input.stream import Streamed
from components.gan.settings import GanSettings
from components.shape import ImageShape
from components.transform.examples import read_examples
from serving.repository.errors import UserError

_LABEL_BYTES = np.dtype(np.int64).itemsize

# Returns each replica's share of the next step: images uint8 [share, H, W, C], labels int64 [share].
Feed = Callable[[], tuple[Any, Any]]


class Source(Protocol):
    """Real images in an order that follows from the seed and the step alone, whatever devices share a batch.

    Attributes:
        kind: "memory" or "stream".
        count: Images of one pass; each pass holds every image once.
        labels: Classes that occur, in order; a dataset may name more.
        shape: Of every image.
        digest: Of all images in the order in which they lie in the files, which the order of training follows from; "" where
            they come from no files.
    """

    kind: str
    count: int
    labels: tuple[int, ...]
    shape: ImageShape
    digest: str

    def sample(self, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Draw images uint8 [N, H, W, C] and labels int64 [N] at random, N as many as asked for or as there are."""
        ...

    def feed(self, settings: GanSettings, step: tf.Variable, strategy: tf.distribute.Strategy) -> Feed:
        """Return what gives the next step's shares, to be called inside a tf.function.

        Args:
            settings: The knobs.
            step: int64 scalar, the training's step counter, at the step to go on with.
            strategy: The devices that share each batch.
        """
        ...


class InMemory:
    """Images that each device holds as uint8 in its own memory; every pass is a random order of all."""

    kind = "memory"

    def __init__(self, images: np.ndarray, labels: np.ndarray, digest: str = "") -> None:
        """Take the images.

        Args:
            images: uint8 [N, H, W, C], the same in every worker.
            labels: int64 [N].
            digest: See `Source`.
        """
        self._images, self._labels = images, labels.astype(np.int64)
        self.count = len(images)
        self.labels = tuple(np.unique(labels).tolist())
        self.shape, self.digest = ImageShape(*images.shape[1:]), digest

    def sample(self, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """See `Source.sample`."""
        chosen = np.random.default_rng(seed).permutation(self.count)[:count]
        return self._images[chosen], self._labels[chosen]

    def feed(self, settings: GanSettings, step: tf.Variable, strategy: tf.distribute.Strategy) -> Feed:
        """See `Source.feed`."""
        pixels, truth = (
            strategy.experimental_distribute_values_from_function(lambda _, values=values: tf.constant(values))
            for values in (self._images, self._labels)
        )
        share, count = settings.batch_size // strategy.num_replicas_in_sync, self.count

        def take_share(pixels: tf.Tensor, truth: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            positions = step * settings.batch_size + replica_rows(share)
            # One random pass over the data after the other; each position's image follows from the seed alone.
            seeds = tf.stack(
                [tf.fill([share], tf.constant(settings.seed, tf.int64)), positions // count, tf.zeros_like(positions)], 1
            )
            # The raw op, because the public wrapper takes one seed for all rows, and a batch may span two passes.
            chosen = tf.raw_ops.RandomIndexShuffle(
                index=positions % count, seed=seeds, max_index=tf.constant(count - 1, tf.int64), rounds=4
            )
            return tf.gather(pixels, chosen), tf.gather(truth, chosen)

        return lambda: strategy.run(take_share, args=(pixels, truth))


def replica_rows(share: int) -> tf.Tensor:
    """Return int64 [share], the places in the batch of this replica's rows; to be called inside a replica."""
    replica = tf.distribute.get_replica_context().replica_id_in_sync_group
    return tf.cast(replica, tf.int64) * share + tf.range(share, dtype=tf.int64)


def open_source(patterns: list[str], settings: GanSettings, directory: Path) -> Source:
    """Choose how the examples reach the training.

    Args:
        patterns: File patterns of transformed examples.
        settings: `input` says how, or leaves it to `memory_limit_mib`.
        directory: The training's working directory.

    Raises:
        UserError: There are no examples, a file is damaged, or they are to be held in memory and don't fit.
    """
    shards = find_shards(patterns, directory)
    size = shards.count * (shards.shape.bytes + _LABEL_BYTES)
    fits = size <= settings.memory_limit_mib * 2**20
    if settings.input == "memory" and not fits:
        raise UserError(
            f"{shards.count} images take {size / 2**20:.0f} MiB, more than gan.memory_limit_mib="
            f"{settings.memory_limit_mib}: raise it, or set gan.input=auto"
        )
    if settings.input == "stream" or not fits:
        return Streamed(shards)
    return InMemory(*read_examples(patterns), digest=shards.digest)
