"""Images that don't fit in memory: read from files while the training runs, in an order that any step can go on with.

Each pass over the data takes the files in another random order, some at a time and these interleaved, and cuts the stream of
their examples into windows; each window is shuffled by itself. The seed, the pass and the window's number decide all of it, so
nothing of the order needs to be saved: to go on at some step, files are passed over unopened, then examples undecoded.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from components.gan.input.shards import Shards
from components.gan.settings import GanSettings
from components.shape import ImageShape
from components.transform.examples import COMPRESSION
from components.transform.pixels import parse_transformed

_INTERLEAVED = 4  # files read at a time
_BLOCK = 16  # examples taken from one of them before the next one's turn
_STREAM = 2  # this use of the training's seed
_BATCHES_AHEAD = 8
_WINDOWS = 3  # in memory at the same time, at most
_READ_FOR_ONE = 8  # images that are read for each of a sample: those that lie together in the files may be alike


class Streamed:
    """Images that are read when they are needed; `components.gan.input.source.Source`."""

    kind = "stream"

    def __init__(self, shards: Shards) -> None:
        """Take the files that hold them; every worker reads all of them and keeps its own rows of each batch."""
        self._shards = shards
        self.count, self.labels, self.shape, self.digest = shards.count, shards.labels, shards.shape, shards.digest

    def sample(self, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """See `components.gan.input.source.Source.sample`; out of some files of a random order, not out of all."""
        records = shuffled(self._shards, seed, min(_READ_FOR_ONE * count, self.count), 0)
        images, labels = parse_transformed(next(iter(records))[:count], self.shape)
        return images.numpy(), labels.numpy()

    def feed(self, settings: GanSettings, step: tf.Variable, strategy: tf.distribute.Strategy) -> Callable[[], tuple[Any, Any]]:
        """See `components.gan.input.source.Source.feed`."""
        position = int(step.numpy()) * settings.batch_size
        share, shape = settings.batch_size // strategy.num_replicas_in_sync, self.shape
        window = window_size(settings, shape)

        def batches(context: tf.distribute.InputContext) -> tf.data.Dataset:
            """Give this worker's replicas their shares, one after the other."""
            mine = settings.batch_size // context.num_input_pipelines
            rows = shuffled(self._shards, settings.seed, window, position).rebatch(mine)
            rows = rows.shard(context.num_input_pipelines, context.input_pipeline_id)
            endless = tf.data.experimental.assert_cardinality(tf.data.INFINITE_CARDINALITY)
            return rows.rebatch(share).map(lambda records: _parse(records, share, shape)).apply(endless).prefetch(_BATCHES_AHEAD)

        iterator = iter(strategy.distribute_datasets_from_function(batches))
        return lambda: next(iterator)


def window_size(settings: GanSettings, shape: ImageShape) -> int:
    """Count the examples that are shuffled among themselves: as many as asked for and as the memory holds."""
    return max(1, min(settings.shuffle_buffer, settings.memory_limit_mib * 2**20 // (_WINDOWS * shape.bytes)))


def shuffled(shards: Shards, seed: int, window: int, position: int) -> tf.data.Dataset:
    """Return the examples in the order of training, one pass after the other without end.

    Args:
        shards: The files.
        seed: Of the training.
        window: Examples that are shuffled among themselves; at most three windows are in memory.
        position: Examples that were used already.

    Returns:
        Serialized examples, string [1..window] each.
    """
    first_pass, used = divmod(position, shards.count)
    first_window, used_of_window = divmod(used, window)

    def one_pass(number: tf.Tensor) -> tf.data.Dataset:
        key = tf.random.experimental.stateless_fold_in(tf.constant([seed, _STREAM], tf.int64), number)
        first = tf.where(number == first_pass, tf.constant(first_window, tf.int64), tf.constant(0, tf.int64))

        def shuffle(index: tf.Tensor, records: tf.Tensor) -> tf.Tensor:
            mixed = tf.random.experimental.stateless_shuffle(records, tf.random.experimental.stateless_fold_in(key, index))
            resumed = (number == first_pass) & (index == first_window)
            return mixed[tf.where(resumed, tf.constant(used_of_window, tf.int64), tf.constant(0, tf.int64)) :]

        return _records(shards, key, first * window).batch(window).enumerate(first).map(shuffle)

    return tf.data.Dataset.counter(first_pass).flat_map(one_pass).prefetch(1)


def _records(shards: Shards, key: tf.Tensor, first: tf.Tensor) -> tf.data.Dataset:
    """Return one pass's examples, string scalars, before they are shuffled, from the one at a place on."""
    order = tf.random.experimental.stateless_shuffle(tf.range(len(shards.paths)), key)
    paths = tf.gather(tf.constant(shards.paths), order)
    counts = tf.gather(tf.constant(shards.counts, tf.int64), order)
    groups = tf.math.segment_sum(counts, tf.range(len(shards.paths)) // _INTERLEAVED)
    ends = tf.concat([[tf.constant(0, tf.int64)], tf.cumsum(groups)], axis=0)
    passed = tf.reduce_sum(tf.cast(ends[1:] <= first, tf.int64))  # groups of files that lie before it

    def read(group: tf.Tensor) -> tf.data.Dataset:
        return tf.data.Dataset.from_tensor_slices(group).interleave(
            lambda path: tf.data.TFRecordDataset(path, COMPRESSION),
            cycle_length=_INTERLEAVED,
            block_length=_BLOCK,
            num_parallel_calls=_INTERLEAVED,
            deterministic=True,
        )

    return tf.data.Dataset.from_tensor_slices(paths).batch(_INTERLEAVED).skip(passed).flat_map(read).skip(first - ends[passed])


def _parse(records: tf.Tensor, share: int, shape: ImageShape) -> tuple[tf.Tensor, tf.Tensor]:
    images, labels = parse_transformed(records, shape)
    return tf.ensure_shape(images, [share, *shape]), tf.ensure_shape(labels, [share])
