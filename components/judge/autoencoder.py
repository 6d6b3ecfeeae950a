"""The second judge: a dense autoencoder's bottleneck, which knows nothing of classes and shares no layer with the first judge.

A verdict of one network alone could rest on what that network doesn't see. The autoencoder must keep whatever it takes to draw an
image again, so pixels that the classifier ignores move its features.
"""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from components.judge.settings import JudgeSettings
from components.progress import report
from components.transform.pixels import scale
from serving.repository.contract import IMAGE_SHAPE
from serving.repository.errors import UserError

_HIDDEN = 256  # units between image and bottleneck: 20 s less training than 512 for 1 % less of the pixels' variance
_CHUNK = 50  # steps inside one call of the compiled loop
_BATCH = 1000


def train_encoder(images: np.ndarray, settings: JudgeSettings) -> keras.Model:
    """Train the autoencoder and keep its first half.

    Args:
        images: uint8 [N, 28, 28, 1].
        settings: `encoder_steps`, `encoder_size` and the seed count.

    Returns:
        Network from float32 [N, 28, 28, 1] in [-1, 1] to (features float32 [N, E], reconstruction float32 [N, 28, 28, 1]).

    Raises:
        UserError: There are no images, or the loss is no longer a finite number.
    """
    if len(images) == 0:
        raise UserError("the judge got no training images: check the ingested 'train' split")
    network = _build(settings)
    pixels = tf.constant(images)
    steps, batch = settings.encoder_steps, settings.batch_size
    optimizer = keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(2e-3, steps))
    optimizer.build(network.trainable_variables)

    @tf.function(input_signature=[tf.TensorSpec([None, batch], tf.int32)])
    def run(batches: tf.Tensor) -> tf.Tensor:
        loss = tf.constant(0.0)
        for index in tf.range(tf.shape(batches)[0]):
            truth = scale(tf.gather(pixels, batches[index]))
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean(tf.square(network(truth, training=True)[1] - truth))
            optimizer.apply(tape.gradient(loss, network.trainable_variables), network.trainable_variables)
        return loss

    chosen = np.random.default_rng(settings.seed).integers(0, len(images), (steps, batch)).astype(np.int32)
    for start in range(0, steps, _CHUNK):
        loss = float(run(tf.constant(chosen[start : start + _CHUNK])))
        if not np.isfinite(loss):
            raise UserError(f"the second judge's loss is {loss} at step {start}: check the images")
        report("training the second judge", min(start + _CHUNK, steps), steps, "steps", loss=loss)
    return network


def explained_share(network: keras.Model, images: np.ndarray) -> float:
    """Measure the share of the pixels' variance in images, uint8 [N, 28, 28, 1], that the reconstructions keep."""
    lost, total, mean = 0.0, 0.0, images.mean(0) / 127.5 - 1.0
    for start in range(0, len(images), _BATCH):
        truth = scale(tf.constant(images[start : start + _BATCH])).numpy()
        lost += float(np.square(network(truth, training=False)[1].numpy() - truth).sum())
        total += float(np.square(truth - mean).sum())
    return 1 - lost / total if total else float("nan")


def _build(settings: JudgeSettings) -> keras.Model:
    def dense(units: int, layer: int, activation: str | None = None) -> keras.layers.Layer:
        start = keras.initializers.GlorotUniform(seed=settings.seed * 100 + layer)
        return keras.layers.Dense(units, activation, kernel_initializer=start, dtype="float32")

    image = keras.Input(IMAGE_SHAPE, dtype="float32")
    hidden = dense(_HIDDEN, 50, "elu")(keras.layers.Flatten()(image))
    features = dense(settings.encoder_size, 51)(hidden)
    hidden = dense(_HIDDEN, 52, "elu")(features)
    drawn = keras.layers.Reshape(IMAGE_SHAPE)(dense(int(np.prod(IMAGE_SHAPE)), 53, "tanh")(hidden))
    return keras.Model(image, (features, drawn), name="second_judge")
