"""The small network that every measurement trains anew: for images of any shape and any number of classes."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from components.judge.fit import fit
from components.transform.pixels import scale
from components.usefulness.settings import UsefulnessSettings

_SMALLEST = 4  # pixels a side at which the convolutions end
_WIDEST = 128  # filters
_HIDDEN = 128
_AT_ONCE = 1000  # images looked at in one call


def build_classifier(shape: tuple[int, int, int], classes: int, seed: int) -> keras.Model:
    """Build an untrained network.

    Args:
        shape: Height, width and channels.
        classes: Number of classes C.
        seed: Of the weights.

    Returns:
        Model from float32 [N, H, W, channels] in [-1, 1] to logits float32 [N, C]. Strided convolutions halve the sides as often
        as the size allows, as the judge's do; but it is another network, trained on other images.
    """

    def initializer(layer: int, gain: float = 2.0) -> keras.initializers.Initializer:
        return keras.initializers.VarianceScaling(gain, "fan_in", "truncated_normal", seed=seed * 100 + layer)

    image = keras.Input(shape, dtype="float32")
    hidden, side, filters, layer = image, min(shape[:2]), 32, 0
    while layer == 0 or side > _SMALLEST:
        hidden = keras.layers.Conv2D(
            filters, 3 if layer else 5, 2, "same", activation="relu", kernel_initializer=initializer(layer), dtype="float32"
        )(hidden)
        side, filters, layer = -(-side // 2), min(2 * filters, _WIDEST), layer + 1
    flat = keras.layers.Flatten()(hidden)
    dense = keras.layers.Dense(_HIDDEN, activation="relu", kernel_initializer=initializer(layer), dtype="float32")(flat)
    logits = keras.layers.Dense(classes, kernel_initializer=initializer(layer + 1, 1.0), dtype="float32")(dense)
    return keras.Model(image, logits, name="classifier")


def train_classifier(
    images: np.ndarray, labels: np.ndarray, classes: int, settings: UsefulnessSettings, name: str
) -> keras.Model:
    """Train a network; the same arguments give the same one.

    Args:
        images: uint8 [N, H, W, channels].
        labels: int64 [N] in 0..C-1.
        classes: Number of classes C.
        settings: The knobs.
        name: What the progress calls it.

    Returns:
        The network of `build_classifier`.

    Raises:
        UserError: The loss is no longer a finite number.
    """
    height, width, channels = images.shape[1:]
    network = build_classifier((height, width, channels), classes, settings.seed)
    pixels, truth = tf.constant(images), tf.constant(labels, tf.int64)

    def loss(chosen: tf.Tensor, _step: tf.Tensor) -> tf.Tensor:
        logits = network(scale(tf.gather(pixels, chosen)), training=True)
        return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=tf.gather(truth, chosen), logits=logits))

    warmup = settings.steps // 10
    rate = keras.optimizers.schedules.CosineDecay(
        settings.learning_rate / 10, settings.steps - warmup, warmup_target=settings.learning_rate, warmup_steps=warmup
    )
    optimizer = keras.optimizers.AdamW(rate, weight_decay=1e-3, beta_2=0.99)
    mend = f"lower usefulness.learning_rate ({settings.learning_rate})"
    fit(network, optimizer, loss, _batches(len(images), settings), name=name, mend=mend)
    return network


def predict(network: keras.Model, images: np.ndarray) -> np.ndarray:
    """Name the class of each image uint8 [N, H, W, channels]: int64 [N]."""
    looked = tf.function(lambda batch: tf.argmax(network(scale(batch), training=False), axis=-1), reduce_retracing=True)
    parts = [looked(tf.constant(images[i : i + _AT_ONCE])).numpy() for i in range(0, len(images), _AT_ONCE)]
    return np.concatenate(parts) if parts else np.empty(0, np.int64)


def _batches(count: int, settings: UsefulnessSettings) -> np.ndarray:
    """Indices int32 [steps, batch]: whole passes in random order, one after the other."""
    rng = np.random.default_rng(settings.seed)
    wanted = settings.steps * settings.batch_size
    passes = [rng.permutation(count).astype(np.int32) for _ in range(-(-wanted // count))]
    return np.concatenate(passes)[:wanted].reshape(settings.steps, settings.batch_size)
