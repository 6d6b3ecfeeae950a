"""Train the judge: a pure function from images and labels to a network."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from components.judge.network import build_network
from components.judge.settings import JudgeSettings
from components.progress import report
from components.transform.pixels import scale
from serving.repository.contract import IMAGE_SHAPE
from serving.repository.errors import UserError

_CHUNK = 50  # steps inside one call of the compiled loop: rare enough to cost nothing, often enough for a live progress bar


def train_judge(
    images: np.ndarray, labels: np.ndarray, settings: JudgeSettings | None = None, classes: int | None = None
) -> keras.Model:
    """Train a judge.

    The result depends on the arguments alone: on one machine type the same seed gives the same weights, bit for bit on a CPU.

    Args:
        images: uint8 [N, 28, 28, 1].
        labels: int64 [N] in 0..C-1.
        settings: The knobs; the defaults if not given.
        classes: Number of classes C; the largest label + 1 if not given.

    Returns:
        Network from float32 [N, 28, 28, 1] in [-1, 1] to (features float32 [N, D], logits float32 [N, C]).

    Raises:
        UserError: There are no images, labels are out of range, or the loss is no longer a finite number.
    """
    settings = settings or JudgeSettings()
    if len(images) == 0:
        raise UserError("the judge got no training images: check the ingested 'train' split")
    classes = classes or int(labels.max()) + 1
    if labels.min() < 0 or labels.max() >= classes:
        raise UserError(f"labels span {labels.min()}..{labels.max()} but {classes} classes are named: mend the data or the names")
    network = build_network(classes, settings.feature_size, settings.seed)
    run = _compiled_loop(network, images, labels, settings)
    batches = _batches(len(images), settings)
    for start in range(0, settings.steps, _CHUNK):
        loss = float(run(tf.constant(batches[start : start + _CHUNK]), start))
        if not np.isfinite(loss):
            raise UserError(f"the judge's loss is {loss} at step {start}: lower its learning_rate ({settings.learning_rate})")
        report("training the judge", min(start + _CHUNK, settings.steps), settings.steps, "steps", loss=loss)
    return network


def _batches(count: int, settings: JudgeSettings) -> np.ndarray:
    """Indices int32 [steps, batch]: whole passes in random order, one after the other."""
    rng = np.random.default_rng(settings.seed)
    wanted = settings.steps * settings.batch_size
    passes = [rng.permutation(count).astype(np.int32) for _ in range(-(-wanted // count))]
    return np.concatenate(passes)[:wanted].reshape(settings.steps, settings.batch_size)


def _compiled_loop(
    network: keras.Model, images: np.ndarray, labels: np.ndarray, settings: JudgeSettings
) -> tf.types.experimental.PolymorphicFunction:
    """Compile many steps as one call: batches int32 [steps, batch] and the first step's number -> last loss."""
    shift, (height, width, _) = settings.max_shift, IMAGE_SHAPE
    # Zero is the background of every supported dataset; padding once makes a shift a plain gather.
    padded = tf.constant(np.pad(images[..., 0], ((0, 0), (shift, shift), (shift, shift))))
    truth = tf.constant(labels, tf.int64)
    warmup = settings.steps // 10
    rate = keras.optimizers.schedules.CosineDecay(
        settings.learning_rate / 10, settings.steps - warmup, warmup_target=settings.learning_rate, warmup_steps=warmup
    )
    optimizer = keras.optimizers.AdamW(rate, weight_decay=1e-3, beta_2=0.99)
    optimizer.build(network.trainable_variables)

    def shifted(chosen: tf.Tensor, step: tf.Tensor) -> tf.Tensor:
        count = tf.shape(chosen)[0]
        offset = tf.random.stateless_uniform([2, count, 1], [settings.seed, step], 0, 2 * shift + 1, tf.int32)
        rows = tf.gather(tf.gather(padded, chosen), offset[0] + tf.range(height), axis=1, batch_dims=1)
        return tf.gather(rows, offset[1] + tf.range(width), axis=2, batch_dims=1)[..., tf.newaxis]

    @tf.function(input_signature=[tf.TensorSpec([None, settings.batch_size], tf.int32), tf.TensorSpec([], tf.int32)])
    def run(batches: tf.Tensor, first_step: tf.Tensor) -> tf.Tensor:
        loss = tf.constant(0.0)
        for index in tf.range(tf.shape(batches)[0]):
            chosen = batches[index]
            with tf.GradientTape() as tape:
                _, logits = network(scale(shifted(chosen, first_step + index)), training=True)
                loss = tf.reduce_mean(
                    tf.nn.sparse_softmax_cross_entropy_with_logits(labels=tf.gather(truth, chosen), logits=logits)
                )
            optimizer.apply(tape.gradient(loss, network.trainable_variables), network.trainable_variables)
        return loss

    return run
