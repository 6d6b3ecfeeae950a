"""WGAN-GP as a plain Keras 3 `train_step`: the published loss, penalty and settings on the networks of the DCGAN's size.

Source: Gulrajani et al. 2017, "Improved Training of Wasserstein GANs", algorithm 1: 5 critic steps a generator step, penalty
weight 10, Adam with rate 1e-4 and momenta 0 and 0.9, batches of 64; no batch normalisation in the critic.
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

_LATENT, _BATCH, _CRITIC_STEPS, _PENALTY = 128, 64, 5, 10.0


class WganGp(keras.Model):
    """Critic and generator in one model, trained by `train_step`."""

    def __init__(self, shape: ImageShape) -> None:
        """Build both networks and compile."""
        super().__init__()
        self.generator, self.critic = _generator(shape), _critic(shape)
        self._g_adam, self._c_adam = (keras.optimizers.Adam(1e-4, beta_1=0.0, beta_2=0.9) for _ in range(2))

    def train_step(self, data: tf.Tensor) -> dict[str, tf.Tensor]:
        """Take the critic's steps on a batch float32 [5 * N, H, W, C], then one of the generator."""
        for real in tf.split(data, _CRITIC_STEPS):
            fake = self.generator(tf.random.normal([_BATCH, _LATENT]), training=True)
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean(self.critic(fake, training=True)) - tf.reduce_mean(self.critic(real, training=True))
                loss += _PENALTY * self._penalty(real, fake)
            weights = self.critic.trainable_variables
            self._c_adam.apply(tape.gradient(loss, weights), weights)
        with tf.GradientTape() as tape:
            drawn = self.generator(tf.random.normal([_BATCH, _LATENT]), training=True)
            g_loss = -tf.reduce_mean(self.critic(drawn, training=True))
        weights = self.generator.trainable_variables
        self._g_adam.apply(tape.gradient(g_loss, weights), weights)
        return {"c_loss": loss, "g_loss": g_loss}

    def _penalty(self, real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
        between = real + tf.random.uniform([_BATCH, 1, 1, 1]) * (fake - real)
        with tf.GradientTape() as tape:
            tape.watch(between)
            value = tf.reduce_sum(self.critic(between, training=True))
        norm = tf.sqrt(tf.reduce_sum(tf.square(tape.gradient(value, between)), axis=[1, 2, 3]) + 1e-12)
        return tf.reduce_mean(tf.square(norm - 1.0))


def make(images: np.ndarray, labels: np.ndarray, budget: float, seed: int, changes: Sequence[str]) -> Unconditional:
    """Build it; it knows neither classes, a budget nor settings, and Keras is seeded."""
    del labels, budget, seed, changes
    model = WganGp(ImageShape(*images.shape[1:]))
    step = tf.function(model.train_step)
    return Unconditional(model.generator, _LATENT, step, batches(images, _CRITIC_STEPS * _BATCH), _CRITIC_STEPS * _BATCH)


def _generator(shape: ImageShape) -> keras.Model:
    base = shape.height // 4, shape.width // 4, 128
    stack = [keras.Input([_LATENT]), layers.Dense(math.prod(base)), layers.BatchNormalization(), layers.ReLU()]
    stack += [layers.Reshape(base), layers.Conv2DTranspose(64, 5, strides=2, padding="same")]
    stack += [layers.BatchNormalization(), layers.ReLU()]
    return keras.Sequential([*stack, layers.Conv2DTranspose(shape.channels, 5, strides=2, padding="same", activation="tanh")])


def _critic(shape: ImageShape) -> keras.Model:
    stack = [keras.Input(shape)]
    for channels in (64, 128):
        stack += [layers.Conv2D(channels, 5, strides=2, padding="same"), layers.LeakyReLU(0.2)]
    return keras.Sequential([*stack, layers.Flatten(), layers.Dense(1)])
