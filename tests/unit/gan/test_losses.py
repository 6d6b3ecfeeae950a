"""The conv recipe's losses are the papers'."""

import numpy as np
import tensorflow as tf

from components.gan.recipes import conv
from components.gan.recipes.losses import accuracy, gradient_penalty, non_saturating_losses
from components.gan.settings import GanSettings
from tests.support.shapes import GREY_28


def test_the_losses_are_those_of_the_paper():
    real, fake = np.array([1.0, -2.0]), np.array([0.5, 3.0])
    says_real = 1 / (1 + np.exp(-real)), 1 / (1 + np.exp(-fake))
    d_loss, g_loss, slope_ratio = non_saturating_losses(tf.constant(real), tf.constant(fake))
    np.testing.assert_allclose(d_loss, -np.mean(np.log(says_real[0]) + np.log(1 - says_real[1])))
    np.testing.assert_allclose(g_loss, -np.mean(np.log(says_real[1])))
    np.testing.assert_allclose(slope_ratio, -(1 - says_real[1]) / says_real[1])


def test_a_lost_games_slope_ratio_stays_finite():
    assert np.isfinite(non_saturating_losses(tf.constant([500.0]), tf.constant([-500.0]))[2])


def test_the_gradient_penalty_is_half_gamma_times_the_mean_squared_gradient():
    discriminator = conv.build_discriminator(GanSettings(width=4), 3, GREY_28, "float32")
    image, label = tf.random.stateless_uniform([6, 28, 28, 1], [1, 2], -1, 1), tf.constant([0, 1, 2, 0, 1, 2], tf.int64)
    with tf.GradientTape() as tape:
        tape.watch(image)
        logit = discriminator([image, label])
    gradient = tape.gradient(logit, image).numpy()
    expected = 0.5 * 3.0 * np.mean(np.sum(gradient**2, axis=(1, 2, 3)))
    np.testing.assert_allclose(gradient_penalty(discriminator, [image], label, tf.constant(3.0)), expected, rtol=1e-5)


def test_accuracy_counts_each_image_by_itself():
    # Every real logit is above the generated one beside it, yet half of the images are on the wrong side of 0.
    assert float(accuracy(tf.constant([1.0, -1.0, 2.0]), tf.constant([0.5, -3.0, 1.0]))) == 0.5
