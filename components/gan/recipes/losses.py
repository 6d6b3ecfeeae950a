"""The `conv` recipe's losses, and how often a discriminator is right."""

from __future__ import annotations

import keras
import tensorflow as tf

# exp(15) is far beyond any healthy logit; it keeps a training that is lost from overflowing before it is reported.
MAX_EXPONENT = 15.0


def non_saturating_losses(real_logit: tf.Tensor, fake_logit: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Return both networks' non-saturating losses (Goodfellow et al. 2014, section 3), and the ratio of their slopes.

    A generated image with f = D(G(z)) adds softplus(f) to the discriminator's loss and softplus(-f) to the generator's: slopes
    whose ratio is -exp(-f). R3GAN's relativistic pairing, softplus(-(D(x) - D(G(z)))), was worse in every figure
    (docs/trials.md).

    Args:
        real_logit: D(x), float32 [N].
        fake_logit: D(G(z)), float32 [N].

    Returns:
        The discriminator's and the generator's loss, float32 scalars, and float32 [N]: the slope of a row's generator loss over
        that of its discriminator loss.
    """
    d_loss = tf.reduce_mean(tf.nn.softplus(-real_logit) + tf.nn.softplus(fake_logit))
    slope_ratio = -tf.exp(-tf.clip_by_value(fake_logit, -MAX_EXPONENT, MAX_EXPONENT))
    return d_loss, tf.reduce_mean(tf.nn.softplus(-fake_logit)), slope_ratio


def gradient_penalty(discriminator: keras.Model, shown: list[tf.Tensor], labels: tf.Tensor, gamma: tf.Tensor) -> tf.Tensor:
    """Return gamma / 2 * E[||dD/dx||^2] (Mescheder et al. 2018, eq. 9), a float32 scalar.

    R1 on real images, R2 on generated ones; given both in one batch, it is the mean over both kinds, so R1 + R2 is twice it.
    Where an image is shown in several ways, x is all of them side by side.

    Args:
        discriminator: D, whose rows must not depend on each other.
        shown: What D is shown of N images besides the label, each float32 [N, ...].
        labels: int64 [N].
        gamma: Weight, float32 scalar.
    """
    with tf.GradientTape() as tape:
        tape.watch(shown)
        logit = tf.reduce_sum(discriminator([*shown, labels], training=True))
    gradients = tape.gradient(logit, shown)
    squares = [tf.reduce_sum(tf.square(gradient), axis=range(1, len(gradient.shape))) for gradient in gradients]
    return 0.5 * gamma * tf.reduce_mean(tf.add_n(squares))


def accuracy(real_logit: tf.Tensor, fake_logit: tf.Tensor) -> tf.Tensor:
    """Return the share of images, 0..1, that a discriminator with these logits, float32 [N] each, judges right."""
    return tf.reduce_mean(tf.cast(tf.concat([real_logit > 0, fake_logit <= 0], axis=0), tf.float32))
