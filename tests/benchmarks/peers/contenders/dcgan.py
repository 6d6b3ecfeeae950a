"""A DCGAN with the architecture and settings that the TensorFlow documentation's tutorial publishes, written afresh.

Source: "Deep Convolutional Generative Adversarial Network", tensorflow.org/tutorials/generative/dcgan.
For other shapes than MNIST's only the sides and the channels of the image change.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from components.shape import ImageShape
from tests.benchmarks.peers.contenders.unconditional import Unconditional, batches

_LATENT, _BATCH, _RATE = 100, 256, 1e-4


def make(images: np.ndarray, labels: np.ndarray, budget: float, seed: int, changes: Sequence[str]) -> Unconditional:
    """Build it; it knows neither classes, a budget nor settings, and Keras is seeded."""
    del labels, budget, seed, changes
    shape = ImageShape(*images.shape[1:])
    generator, discriminator = _generator(shape), _discriminator(shape)
    adams = [keras.optimizers.Adam(_RATE), keras.optimizers.Adam(_RATE)]
    entropy = keras.losses.BinaryCrossentropy(from_logits=True)

    @tf.function
    def step(real: tf.Tensor) -> None:
        noise = tf.random.normal([_BATCH, _LATENT])
        with tf.GradientTape() as g_tape, tf.GradientTape() as d_tape:
            fake = generator(noise, training=True)
            on_real, on_fake = discriminator(real, training=True), discriminator(fake, training=True)
            g_loss = entropy(tf.ones_like(on_fake), on_fake)
            d_loss = entropy(tf.ones_like(on_real), on_real) + entropy(tf.zeros_like(on_fake), on_fake)
        for adam, tape, loss, network in zip(adams, (g_tape, d_tape), (g_loss, d_loss), (generator, discriminator), strict=True):
            weights = network.trainable_variables
            adam.apply(tape.gradient(loss, weights), weights)

    return Unconditional(generator, _LATENT, step, batches(images, _BATCH), _BATCH)


def _generator(shape: ImageShape) -> keras.Model:
    base = shape.height // 4, shape.width // 4, 256
    stack = [keras.Input([_LATENT]), layers.Dense(math.prod(base), use_bias=False), *_normalised(), layers.Reshape(base)]
    for channels, stride in ((128, 1), (64, 2)):
        stack += [layers.Conv2DTranspose(channels, 5, strides=stride, padding="same", use_bias=False), *_normalised()]
    to_image = layers.Conv2DTranspose(shape.channels, 5, strides=2, padding="same", use_bias=False, activation="tanh")
    return keras.Sequential([*stack, to_image])


def _discriminator(shape: ImageShape) -> keras.Model:
    stack = [keras.Input(shape)]
    for channels in (64, 128):
        stack += [layers.Conv2D(channels, 5, strides=2, padding="same"), layers.LeakyReLU(), layers.Dropout(0.3)]
    return keras.Sequential([*stack, layers.Flatten(), layers.Dense(1)])


def _normalised() -> list[keras.layers.Layer]:
    return [layers.BatchNormalization(), layers.LeakyReLU()]
