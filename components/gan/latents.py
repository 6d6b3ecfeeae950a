"""Latents and labels from integer seeds, row by row.

A row's draw is a pure function of its own seed: the same in any batch, on any device, after any reload.
TensorFlow's stateless generators take one seed for a whole tensor, hence the small counter-based generator here.
"""

from __future__ import annotations

import math

import numpy as np
import tensorflow as tf

# NumPy's, because a TensorFlow constant at import would fix the devices before a strategy can choose them.
# SplitMix64 (Steele, Lea & Flood 2014): increment and the two multipliers of its finaliser.
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)


def _mix(x: tf.Tensor) -> tf.Tensor:
    x = tf.bitwise.bitwise_xor(x, tf.bitwise.right_shift(x, tf.constant(30, tf.uint64))) * _MIX_1
    x = tf.bitwise.bitwise_xor(x, tf.bitwise.right_shift(x, tf.constant(27, tf.uint64))) * _MIX_2
    return tf.bitwise.bitwise_xor(x, tf.bitwise.right_shift(x, tf.constant(31, tf.uint64)))


def _bits(seed: tf.Tensor, count: int, stream: int) -> tf.Tensor:
    """Return uint64 [N, count] random bits for int64 [N] seeds; streams of one seed are independent."""
    start = _mix(_mix(tf.bitcast(seed, tf.uint64) + _GOLDEN) + tf.constant(stream, tf.uint64))
    counters = tf.cast(tf.range(1, count + 1), tf.uint64) * _GOLDEN
    return _mix(start[:, None] + counters[None, :])


def _unit(bits: tf.Tensor) -> tf.Tensor:
    """Map uint64 bits to float64 in (0, 1).

    In float64, because the vectorised and the scalar kernels of log, cos and sin differ in the last bit: which of them takes a
    value depends on its place in the batch. Rounded to float32 afterwards, the difference is gone.
    """
    high = tf.cast(tf.bitcast(tf.bitwise.right_shift(bits, tf.constant(12, tf.uint64)), tf.int64), tf.float64)
    return (high + 0.5) * (2.0**-52)


def uniform(seed: tf.Tensor, count: int, stream: int) -> tf.Tensor:
    """Draw float64 [N, count] numbers in (0, 1) for int64 [N] seeds; streams of one seed are independent."""
    return _unit(_bits(seed, count, stream))


def uniform_latents(seed: tf.Tensor, size: int) -> tf.Tensor:
    """Draw float32 [N, size] latents from U(-1, 1) for int64 [N] seeds."""
    return tf.cast(2.0 * _unit(_bits(seed, size, stream=1)) - 1.0, tf.float32)


def normal_latents(seed: tf.Tensor, size: int) -> tf.Tensor:
    """Draw float32 [N, size] latents from N(0, 1) for int64 [N] seeds (Box & Muller 1958)."""
    half = (size + 1) // 2
    uniform = _unit(_bits(seed, 2 * half, stream=2))
    radius = tf.sqrt(-2.0 * tf.math.log(uniform[:, :half]))
    angle = 2.0 * math.pi * uniform[:, half:]
    return tf.cast(tf.concat([radius * tf.cos(angle), radius * tf.sin(angle)], axis=1)[:, :size], tf.float32)


def uniform_labels(seed: tf.Tensor, num_classes: int) -> tf.Tensor:
    """Draw int64 [N] labels, evenly over the classes, for int64 [N] seeds."""
    bits = tf.bitwise.right_shift(_bits(seed, 1, stream=3)[:, 0], tf.constant(1, tf.uint64))
    return tf.math.floormod(tf.bitcast(bits, tf.int64), tf.constant(num_classes, tf.int64))


def step_seeds(seed: int, step: tf.Tensor, rows: tf.Tensor, stream: int) -> tf.Tensor:
    """Return the int64 [N] seeds of some rows of one training step's batch: the same whenever that step is run again.

    Args:
        seed: The training's.
        step: int64 scalar.
        rows: int64 [N], places in the batch.
        stream: Streams of one seed are independent.
    """
    base = _mix(tf.constant(seed, tf.uint64) * _GOLDEN + tf.constant(stream, tf.uint64))
    base = _mix(base + tf.bitcast(tf.cast(step, tf.int64), tf.uint64))
    return tf.bitcast(_mix(base + tf.cast(rows + 1, tf.uint64) * _GOLDEN), tf.int64)
