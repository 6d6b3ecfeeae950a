"""The article's GAN is as the article has it."""

import numpy as np
import tensorflow as tf

from components.gan.recipes import article
from components.gan.settings import GanSettings
from components.gan.train_state import TrainState
from pipeline.config import resolve_config
from tests.support.shapes import GREY_28


def test_the_networks_are_the_articles():
    settings = resolve_config("article").gan
    state = TrainState(article, settings, 10, GREY_28, "float32")
    # Dense 128, 128 and 784 from 100; dense 128, 128 and 1 from 784.
    assert state.generator.count_params() == 100 * 128 + 128 + 128 * 128 + 128 + 128 * 784 + 784
    assert state.discriminator.count_params() == 784 * 128 + 128 + 128 * 128 + 128 + 128 + 1
    assert settings.steps * settings.batch_size == 100 * 60_000
    assert settings.learning_rate == settings.final_learning_rate == 1e-3
    assert settings.rate_ratio == 1  # one rate for both networks
    drawn = article.draw_latents(tf.range(100, dtype=tf.int64), settings.latent_size)
    assert drawn.shape == (100, 100)
    assert -1 < drawn.numpy().min() < -0.9 < 0.9 < drawn.numpy().max() < 1


def test_the_losses_are_smoothed_on_real_images_only():
    real, fake = np.array([2.0, -1.0]), np.array([0.5, -3.0])
    d_loss, g_loss = article.losses(tf.constant(real), tf.constant(fake), 0.9)

    def entropy(target, logit):
        probability = 1 / (1 + np.exp(-logit))
        return -np.mean(target * np.log(probability) + (1 - target) * np.log(1 - probability))

    np.testing.assert_allclose(d_loss, entropy(0.9, real) + entropy(0.0, fake))
    np.testing.assert_allclose(g_loss, entropy(1.0, fake))


def test_the_exported_generator_is_the_trained_one_without_an_average(tmp_path):
    from components.gan.input.source import InMemory
    from components.gan.training.loop import train

    settings = GanSettings(recipe="article", steps=4, batch_size=4, width=8, latent_size=8, ema_decay=0.0)
    state = train(InMemory(np.zeros((8, 28, 28, 1), np.uint8), np.zeros(8, np.int64)), 1, settings, tmp_path)
    for average, trained in zip(state.ema_generator.variables, state.generator.variables, strict=True):
        np.testing.assert_array_equal(average.numpy(), trained.numpy().astype(np.float64))
