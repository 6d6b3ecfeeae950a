"""The second judge: a dense autoencoder's bottleneck, which knows nothing of classes and shares no layer with the first judge.

A verdict of one network alone could rest on what that network doesn't see. The autoencoder must keep whatever it takes to draw an
image again, so pixels that the classifier ignores move its features.
"""

from __future__ import annotations

import math

import keras
import numpy as np
import tensorflow as tf

from components.judge.fit import fit, require_images
from components.judge.settings import JudgeSettings
from components.shape import ImageShape
from components.transform.pixels import scale

_HIDDEN = 256  # units between image and bottleneck: 20 s less training than 512 for 1 % less of the pixels' variance
_LEARNING_RATE = 2e-3  # of Adam at the start; a cosine to zero
_BATCH = 1000  # images a call when it is measured
# A training sees an image no more often than this: of 100 images seen 1,900 times it kept 16 % of the variance of unseen ones, of
# those seen 300 times 39 %.
_MOST_PASSES = 300


def train_encoder(images: np.ndarray, settings: JudgeSettings) -> keras.Model:
    """Train the autoencoder and keep its first half.

    Args:
        images: uint8 [N, H, W, C].
        settings: `encoder_steps`, `encoder_size` and the seed count.

    Returns:
        Network from float32 [N, H, W, C] in [-1, 1] to (features float32 [N, E], reconstruction float32 [N, H, W, C]).

    Raises:
        UserError: There are no images, or the loss is no longer a finite number.
    """
    require_images(images)
    network, pixels = build_encoder(settings, ImageShape(*images.shape[1:])), tf.constant(images)
    steps = min(settings.encoder_steps, math.ceil(_MOST_PASSES * len(images) / settings.batch_size))

    def loss(chosen: tf.Tensor, _: tf.Tensor) -> tf.Tensor:
        truth = scale(tf.gather(pixels, chosen))
        return tf.reduce_mean(tf.square(network(truth, training=True)[1] - truth))

    rate = keras.optimizers.schedules.CosineDecay(_LEARNING_RATE, steps)
    batches = np.random.default_rng(settings.seed).integers(0, len(images), (steps, settings.batch_size)).astype(np.int32)
    fit(network, keras.optimizers.Adam(rate), loss, batches, name="second judge", mend="check the images")
    return network


def explained_share(network: keras.Model, images: np.ndarray) -> float:
    """Measure the share of the pixels' variance in images, uint8 [N, H, W, C], that the reconstructions keep."""
    lost, total, mean = 0.0, 0.0, images.mean(0) / 127.5 - 1.0
    for start in range(0, len(images), _BATCH):
        truth = scale(tf.constant(images[start : start + _BATCH])).numpy()
        lost += float(np.square(network(truth, training=False)[1].numpy() - truth).sum())
        total += float(np.square(truth - mean).sum())
    return 1 - lost / total if total else float("nan")


def build_encoder(settings: JudgeSettings, shape: ImageShape) -> keras.Model:
    """Build the untrained autoencoder; see `train_encoder` for what goes in and out."""

    def dense(units: int, layer: int, activation: str | None = None) -> keras.layers.Layer:
        start = keras.initializers.GlorotUniform(seed=settings.seed * 100 + layer)
        return keras.layers.Dense(units, activation, kernel_initializer=start, dtype="float32")

    image = keras.Input(shape, dtype="float32")
    hidden = dense(_HIDDEN, 50, "elu")(keras.layers.Flatten()(image))
    features = dense(settings.encoder_size, 51)(hidden)
    hidden = dense(_HIDDEN, 52, "elu")(features)
    drawn = keras.layers.Reshape(shape)(dense(shape.bytes, 53, "tanh")(hidden))
    return keras.Model(image, (features, drawn), name="second_judge")
