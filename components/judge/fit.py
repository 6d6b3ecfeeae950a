"""The loop that trains both judges: many steps inside one compiled call, progress between, a clear stop when the loss breaks."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from components.progress import report_progress
from serving.repository.errors import UserError

_CHUNK = 50  # steps inside one call of the compiled loop: rare enough to cost nothing, often enough for a live progress bar


def fit(
    network: keras.Model,
    optimizer: keras.optimizers.Optimizer,
    loss_of: Callable[[tf.Tensor, tf.Tensor], tf.Tensor],
    batches: np.ndarray,
    *,
    name: str,
    mend: str,
) -> None:
    """Train a network in place.

    Args:
        network: What is trained.
        optimizer: Not yet built.
        loss_of: (indices int32 [B], step int32 scalar) -> loss, float32 scalar, of the network on one batch.
        batches: int32 [steps, B], the indices of each step's batch.
        name: What the progress and the error call it, e.g. "judge".
        mend: What a user can do when the loss breaks.

    Raises:
        UserError: The loss is no longer a finite number.
    """
    steps, batch_size = batches.shape
    weights = network.trainable_variables
    optimizer.build(weights)

    @tf.function(input_signature=[tf.TensorSpec([None, batch_size], tf.int32), tf.TensorSpec([], tf.int32)])
    def run(chunk: tf.Tensor, first_step: tf.Tensor) -> tf.Tensor:
        loss = tf.constant(0.0)
        for index in tf.range(tf.shape(chunk)[0]):
            with tf.GradientTape() as tape:
                loss = loss_of(chunk[index], first_step + index)
            optimizer.apply(tape.gradient(loss, weights), weights)
        return loss

    for start in range(0, steps, _CHUNK):
        loss = float(run(tf.constant(batches[start : start + _CHUNK]), tf.constant(start)))
        if not np.isfinite(loss):
            raise UserError(f"the {name}'s loss is {loss} at step {start}: {mend}")
        report_progress(f"training the {name}", min(start + _CHUNK, steps), steps, "steps", loss=loss)


def require_images(images: np.ndarray) -> None:
    """Stop where there is nothing to train on.

    Raises:
        UserError: There are no images.
    """
    if len(images) == 0:
        raise UserError("the judge got no training images: check the ingested 'train' split")
