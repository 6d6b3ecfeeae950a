"""The unseen network: a small residual classifier, of another architecture, seed, optimiser and data than the gate's judges."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from components.judge.fit import fit
from components.transform.pixels import scale

FEATURES = 128
_SEED = 20_261
_FILTERS = (24, 48, 96)  # one residual block each, at a half, a quarter and an eighth of the side
_STEPS, _BATCH = 1400, 128  # six passes over half of MNIST's train images
_LEARNING_RATE, _MOMENTUM = 0.05, 0.9
_AT_ONCE = 1000  # images looked at in one call


def build(shape: tuple[int, ...], classes: int) -> keras.Model:
    """Build the untrained network.

    Args:
        shape: Height, width and channels.
        classes: Number of classes C.

    Returns:
        Model from float32 [N, H, W, channels] in [-1, 1] to (features float32 [N, 128], logits float32 [N, C]). Each block's last
        convolution starts at zero, so that it trains without normalisation (Zhang et al. 2019).
    """
    seeds = iter(range(_SEED, _SEED + 100))

    def conv(filters: int, kernel: int, stride: int, first: bool = True) -> keras.layers.Layer:
        start = keras.initializers.HeNormal(seed=next(seeds)) if first else "zeros"
        return keras.layers.Conv2D(filters, kernel, stride, "same", kernel_initializer=start, dtype="float32")

    def bent(hidden: keras.KerasTensor) -> keras.KerasTensor:
        return keras.layers.LeakyReLU(0.1, dtype="float32")(hidden)

    image = keras.Input(shape, dtype="float32")
    hidden = image
    for filters in _FILTERS:
        hidden = bent(conv(filters, 3, 2)(hidden))
        inner = bent(conv(filters, 3, 1)(hidden))
        hidden = keras.layers.Add(dtype="float32")([hidden, conv(filters, 3, 1, first=False)(inner)])
    flat = keras.layers.Flatten()(bent(hidden))
    he, glorot = keras.initializers.HeNormal(seed=next(seeds)), keras.initializers.GlorotNormal(seed=next(seeds))
    features = keras.layers.Dense(FEATURES, kernel_initializer=he, dtype="float32")(flat)
    logits = keras.layers.Dense(classes, kernel_initializer=glorot, dtype="float32")(bent(features))
    return keras.Model(image, (features, logits), name="unseen")


class UnseenNetwork:
    """The trained network, ready to look at images."""

    def __init__(self, network: keras.Model) -> None:
        self._look = tf.function(lambda images: network(scale(images), training=False), reduce_retracing=True)

    @classmethod
    def trained(cls, images: np.ndarray, labels: np.ndarray, classes: int, cached: Path) -> UnseenNetwork:
        """Train on images, uint8 [N, H, W, C], and labels, int64 [N], or load the weights that a file has of it."""
        network = build(images.shape[1:], classes)
        if cached.is_file():
            network.load_weights(cached)
            return cls(network)
        pixels, truth = tf.constant(images), tf.constant(labels)

        def loss(chosen: tf.Tensor, _step: tf.Tensor) -> tf.Tensor:
            _, logits = network(scale(tf.gather(pixels, chosen)), training=True)
            return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(tf.gather(truth, chosen), logits))

        rate = keras.optimizers.schedules.CosineDecay(
            _LEARNING_RATE / 50, _STEPS, warmup_target=_LEARNING_RATE, warmup_steps=_STEPS // 20
        )
        optimizer = keras.optimizers.SGD(rate, momentum=_MOMENTUM, nesterov=True, global_clipnorm=1.0, weight_decay=5e-4)
        batches = np.random.default_rng(_SEED).integers(0, len(images), (_STEPS, _BATCH)).astype(np.int32)
        fit(network, optimizer, loss, batches, name="unseen network", mend="lower its rate")
        cached.parent.mkdir(parents=True, exist_ok=True)
        network.save_weights(cached)
        return cls(network)

    def look(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Look at images uint8 [N, H, W, C]: features float32 [N, 128], and the class seen int64 [N]."""
        parts = [self._look(tf.constant(images[i : i + _AT_ONCE])) for i in range(0, len(images), _AT_ONCE)]
        features, logits = (np.concatenate([part[place].numpy() for part in parts]) for place in (0, 1))
        return features, logits.argmax(1)
