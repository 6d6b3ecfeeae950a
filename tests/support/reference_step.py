"""The adversarial step as the papers write it: separate passes, one tape for each network, nothing fused.

It stands with the tests because no run calls it: in `components/gan` it would be part of the wheel and of the digest that names
a training. `tests/unit/gan/test_fused_step.py` holds `components/gan/recipes/conv.py` to it.
"""

from __future__ import annotations

import keras
import tensorflow as tf

from components.gan.recipes.spectrum import shown
from components.gan.settings import PENALTY_EVERY


def reference_gradients(
    generator: keras.Model,
    discriminator: keras.Model,
    real: tf.Tensor,
    label: tf.Tensor,
    latent: tf.Tensor,
    gamma: float,
    penalise: bool,
    spectrum: float = 0.0,
) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
    """Return the gradients of the discriminator's and of the generator's loss, both at the present weights.

    Args:
        generator: G, (latent, label) -> image.
        discriminator: D, (image, label) -> logit, or (image, spectrum, label) -> logit.
        real: x, float32 [N, 28, 28, 1] in [-1, 1].
        label: int64 [N], of the real images and of the generated ones.
        latent: z, float32 [N, Z].
        gamma: Weight of the penalties.
        penalise: Whether this is the one step of a cycle that carries them (lazy regularisation, Karras et al. 2020, appendix B).
        spectrum: Weight of the spectrum that D is shown beside the image; 0 for none.
    """

    def judged(image: tf.Tensor) -> tf.Tensor:
        return discriminator([*shown(image, spectrum), label], training=True)

    fake = generator([latent, label], training=True)
    with tf.GradientTape() as tape:
        # Goodfellow et al. 2014: -E[log D(x)] - E[log(1 - D(G(z)))], where their D is the sigmoid of this logit.
        d_loss = -tf.reduce_mean(tf.math.log_sigmoid(judged(real)))
        d_loss -= tf.reduce_mean(tf.math.log_sigmoid(-judged(fake)))
        if penalise:  # on every second row, which is an unbiased estimate
            r1 = _squared_slope(discriminator, shown(real[::2], spectrum), label[::2])
            r2 = _squared_slope(discriminator, shown(fake[::2], spectrum), label[::2])
            d_loss += PENALTY_EVERY * gamma / 2 * (r1 + r2)
    d_gradients = tape.gradient(d_loss, discriminator.trainable_variables)
    with tf.GradientTape() as tape:
        # The non-saturating loss of their section 3: -E[log D(G(z))].
        g_loss = -tf.reduce_mean(tf.math.log_sigmoid(judged(generator([latent, label], training=True))))
    return d_gradients, tape.gradient(g_loss, generator.trainable_variables)


def _squared_slope(discriminator: keras.Model, seen: list[tf.Tensor], label: tf.Tensor) -> tf.Tensor:
    """E[||dD/dx||^2] (Mescheder et al. 2018, eq. 9): R1 of real images, R2 of generated ones."""
    with tf.GradientTape() as tape:
        tape.watch(seen)
        logit = discriminator([*seen, label], training=True)
    slopes = [tf.reshape(slope, [len(label), -1]) for slope in tape.gradient(logit, seen)]
    return tf.reduce_mean(tf.reduce_sum(tf.square(tf.concat(slopes, axis=1)), axis=1))
