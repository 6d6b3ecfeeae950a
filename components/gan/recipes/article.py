"""The `article` recipe: the plain dense GAN that the project grew out of, kept as it was written.

It knows no classes. Both networks are two dense layers with LeakyReLU; the discriminator ends in one unscaled logit, so that it
cannot overpower the generator by saturating. It collapses onto few modes: the gate exists to say so.
"""

from __future__ import annotations

import keras
import tensorflow as tf

from components.gan.latents import uniform_latents
from components.gan.recipes.inputs import discriminator_inputs, generator_inputs, image_dtype
from components.gan.recipes.losses import accuracy
from components.gan.settings import GanSettings
from components.gan.train_state import StepResult, TrainState
from components.shape import ImageShape

CONDITIONAL: bool = False
CYCLE: int = 1
ROWS: int = 1
draw_latents = uniform_latents


def build_generator(settings: GanSettings, num_classes: int, shape: ImageShape, policy: str) -> keras.Model:
    """Build (latent float32 [N, Z], label int64 [N], ignored) -> image [N, H, W, C] in [-1, 1]."""
    del num_classes
    latent, label = generator_inputs(settings)
    x = _hidden(latent, settings, settings.seed, policy)
    x = keras.layers.Dense(shape.bytes, kernel_initializer=_glorot(settings.seed + 2), dtype=policy)(x)
    image = keras.layers.Activation("tanh", dtype=image_dtype(policy))(keras.layers.Reshape(shape, dtype=policy)(x))
    return keras.Model([latent, label], image, name="generator")


def build_discriminator(settings: GanSettings, num_classes: int, shape: ImageShape, policy: str) -> keras.Model:
    """Build (image float32 [N, H, W, C], label int64 [N], ignored) -> logit float32 [N]."""
    del num_classes
    image, label = discriminator_inputs(shape)
    x = _hidden(keras.layers.Flatten(dtype=policy)(image), settings, settings.seed + 10, policy)
    logit = keras.layers.Dense(1, kernel_initializer=_glorot(settings.seed + 12), dtype="float32")(x)
    return keras.Model([image, label], keras.layers.Reshape([], dtype="float32")(logit), name="discriminator")


def losses(real_logit: tf.Tensor, fake_logit: tf.Tensor, smoothing: float) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the discriminator's and the generator's sigmoid cross-entropy, float32 scalars.

    One-sided label smoothing after Salimans et al. 2016; the generator's is the non-saturating loss of Goodfellow et al. 2014.

    Args:
        real_logit: D(x), float32 [N].
        fake_logit: D(G(z)), float32 [N].
        smoothing: Target of real images in the discriminator's loss, 0 < smoothing <= 1.
    """
    entropy = tf.nn.sigmoid_cross_entropy_with_logits
    on_real = tf.reduce_mean(entropy(labels=smoothing * tf.ones_like(real_logit), logits=real_logit))
    on_fake = tf.reduce_mean(entropy(labels=tf.zeros_like(fake_logit), logits=fake_logit))
    return on_real + on_fake, tf.reduce_mean(entropy(labels=tf.ones_like(fake_logit), logits=fake_logit))


def train_step(state: TrainState, real: tf.Tensor, label: tf.Tensor, seeds: tf.Tensor, penalise: bool) -> StepResult:
    """Update the discriminator, then the generator, on the same latents.

    Args:
        state: Both networks and their optimisers; updated in place.
        real: float32 [N, H, W, C] in [-1, 1].
        label: int64 [N], ignored.
        seeds: int64 [N], the generated images' seeds.
        penalise: Ignored: the article has no penalty.
    """
    del penalise
    latent = draw_latents(seeds, state.settings.latent_size)
    smoothing = state.settings.label_smoothing
    with tf.GradientTape() as tape:
        fake = state.generator([latent, label], training=True)
        real_logit = state.discriminator([real, label], training=True)
        fake_logit = state.discriminator([fake, label], training=True)
        d_loss, _ = losses(real_logit, fake_logit, smoothing)
    d_norm = state.apply_discriminator_gradients(tape.gradient(d_loss, state.discriminator.trainable_variables))
    with tf.GradientTape() as tape:
        fake = state.generator([latent, label], training=True)
        _, g_loss = losses(real_logit, state.discriminator([fake, label], training=True), smoothing)
    g_norm = state.apply_generator_gradients(tape.gradient(g_loss, state.generator.trainable_variables))
    return StepResult(d_loss, g_loss, accuracy(real_logit, fake_logit), d_norm, g_norm, fake)


def _hidden(x: keras.KerasTensor, settings: GanSettings, seed: int, policy: str) -> keras.KerasTensor:
    for layer in range(2):
        x = keras.layers.Dense(settings.width, kernel_initializer=_glorot(seed + layer), dtype=policy)(x)
        x = keras.layers.LeakyReLU(0.2, dtype=policy)(x)
    return x


def _glorot(seed: int) -> keras.initializers.Initializer:
    return keras.initializers.GlorotUniform(seed=seed)
