"""The `conv` recipe: a class-conditional convolutional GAN, trained by one fused step.

Non-saturating loss (Goodfellow et al. 2014), zero-centred gradient penalties on real and on generated images (Mescheder et al.
2018, both kinds as in R3GAN, Huang et al. 2024), class projection (Miyato & Koyama 2018). Read `tests/support/reference_step.py`
first: the same step in the papers' terms, unfused.
"""

from __future__ import annotations

import tensorflow as tf

from components.gan.latents import normal_latents
from components.gan.recipes.augment import augment
from components.gan.recipes.conv_networks import build_discriminator, build_generator, min_discriminator_rate, spectrum_weight
from components.gan.recipes.losses import accuracy, gradient_penalty, non_saturating_losses
from components.gan.recipes.spectrum import shown
from components.gan.settings import PENALTY_EVERY
from components.gan.train_state import StepResult, TrainState

__all__ = ["CONDITIONAL", "CYCLE", "ROWS", "build_discriminator", "build_generator", "draw_latents", "train_step"]

CONDITIONAL: bool = True
CYCLE: int = PENALTY_EVERY
draw_latents = normal_latents
# One in this many rows carries the penalties: rows are drawn at random, so the mean is the same and the time is halved.
ROWS: int = 2
_REAL_VIEWS, _FAKE_VIEWS = 4, 5  # these uses of a row's seed; `components.gan.latents` has 1 to 3


def train_step(state: TrainState, real: tf.Tensor, label: tf.Tensor, seeds: tf.Tensor, penalise: bool) -> StepResult:
    """Update both networks at once from one shared forward and backward pass of the discriminator.

    Row by row the generator's gradient with respect to an image is the discriminator's times the ratio of their losses' slopes,
    exactly, because no layer mixes rows. This saves a pass of each network.

    Args:
        state: Both networks and their optimisers; updated in place.
        real: float32 [N, H, W, C] in [-1, 1].
        label: int64 [N], the classes of the real images and, row by row, of the generated ones.
        seeds: int64 [N], the generated images' seeds.
        penalise: Whether this step carries the gradient penalties (of a whole cycle).
    """
    settings = state.settings
    latent = draw_latents(seeds, settings.latent_size)
    labels = tf.concat([label, label], axis=0)
    with tf.GradientTape() as generator_tape:
        fake = state.generator([latent, label], training=True)
    images = tf.concat([real, fake], axis=0)
    with tf.GradientTape() as tape:
        tape.watch(images)
        seen = shown(_views(images, seeds, settings.augment), spectrum_weight(settings, state.shape))
        real_logit, fake_logit = tf.split(state.discriminator([*seen, labels], training=True), 2)
        d_loss, g_loss, slope_ratio = non_saturating_losses(real_logit, fake_logit)
        total = d_loss
        if penalise:
            gamma = state.cosine_decay(settings.gamma, settings.final_gamma)
            # Every n-th row, so that it is the same rows however many replicas share the batch.
            halves = (tf.split(one, 2) for one in seen)
            penalised = [tf.stop_gradient(tf.concat([x[::ROWS], z[::ROWS]], axis=0)) for x, z in halves]
            classes = tf.concat([label[::ROWS], label[::ROWS]], axis=0)
            # The mean over both kinds counts each by half, hence the 2 for R1 + R2.
            total += 2.0 * CYCLE * gradient_penalty(state.discriminator, penalised, classes, gamma)
    sources = [*state.discriminator.trainable_variables, images]
    *d_gradients, image_gradient = tape.gradient(total, sources)
    upstream = image_gradient[real.shape[0] :] * slope_ratio[:, None, None, None]
    g_gradients = generator_tape.gradient([fake], state.generator.trainable_variables, output_gradients=[upstream])
    d_norm = state.apply_discriminator_gradients(d_gradients, min_discriminator_rate(settings, state.shape))
    g_norm = state.apply_generator_gradients(g_gradients)
    return StepResult(d_loss, g_loss, accuracy(real_logit, fake_logit), d_norm, g_norm, fake)


def _views(images: tf.Tensor, seeds: tf.Tensor, probability: float | None) -> tf.Tensor:
    """Return what the discriminator sees of N real and N generated images, float32 [2N, H, W, C]."""
    if not probability:
        return images
    real, fake = tf.split(images, 2)
    views = augment(real, seeds, probability, _REAL_VIEWS), augment(fake, seeds, probability, _FAKE_VIEWS)
    return tf.concat(views, axis=0)
