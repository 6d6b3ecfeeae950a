"""The conv recipe's mathematics."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from components.gan.latents import normal_latents
from components.gan.recipes import conv
from components.gan.settings import GanSettings
from components.gan.train_state import Game

SETTINGS = GanSettings(width=4, latent_size=8, batch_size=6, ema_decay=0.0)


@pytest.fixture
def game() -> Game:
    return Game(conv, SETTINGS, 3, "float32")


@pytest.fixture
def real() -> tuple[tf.Tensor, tf.Tensor]:
    return tf.random.stateless_uniform([6, 28, 28, 1], [1, 2], -1, 1), tf.constant([0, 1, 2, 0, 1, 2], tf.int64)


def test_the_shared_pass_gives_both_players_the_gradients_of_their_own_losses(game, real, monkeypatch):
    given = {}
    monkeypatch.setattr(game, "improve_discriminator", lambda gradients: given.setdefault("d", gradients) and tf.constant(0.0))
    monkeypatch.setattr(game, "improve_generator", lambda gradients: given.setdefault("g", gradients) and tf.constant(0.0))
    seeds = tf.range(6, dtype=tf.int64)
    turn = conv.take_turn(game, *real, seeds, penalise=False)

    image, label = real
    latent = normal_latents(seeds, 8)
    with tf.GradientTape(persistent=True) as tape:
        fake = game.generator([latent, label])
        logits = game.discriminator([image, label]), game.discriminator([fake, label])
        d_loss, g_loss, _ = conv.losses(*logits)
    np.testing.assert_allclose(turn.d_accuracy, np.mean([logits[0] > 0, logits[1] <= 0]), rtol=1e-6)
    for key, loss, network in (("d", d_loss, game.discriminator), ("g", g_loss, game.generator)):
        for got, expected in zip(given[key], tape.gradient(loss, network.trainable_variables), strict=True):
            np.testing.assert_allclose(got, expected, rtol=1e-3, atol=1e-6)


def test_the_gradient_penalty_is_half_gamma_times_the_mean_squared_gradient(game, real):
    image, label = real
    with tf.GradientTape() as tape:
        tape.watch(image)
        logit = game.discriminator([image, label])
    gradient = tape.gradient(logit, image).numpy()
    expected = 0.5 * 3.0 * np.mean(np.sum(gradient**2, axis=(1, 2, 3)))
    np.testing.assert_allclose(conv.gradient_penalty(game.discriminator, image, label, tf.constant(3.0)), expected, rtol=1e-5)


def test_a_penalised_step_adds_the_penalties_of_every_second_row_for_a_whole_cycle(game, real, monkeypatch):
    given = {}
    monkeypatch.setattr(game, "improve_generator", lambda gradients: tf.constant(0.0))
    seeds = tf.range(6, dtype=tf.int64)
    for penalise in (False, True):
        monkeypatch.setattr(
            game, "improve_discriminator", lambda gradients, key=penalise: given.update({key: gradients}) or tf.constant(0.0)
        )
        conv.take_turn(game, *real, seeds, penalise=penalise)

    image, label = real
    fake = game.generator([normal_latents(seeds, 8), label])
    weights = game.discriminator.trainable_variables
    expected = [tf.zeros(weight.shape) for weight in weights]
    for images in (image, fake):  # R1 and R2, each with the full weight
        with tf.GradientTape() as tape:
            penalty = conv.gradient_penalty(game.discriminator, images[::2], label[::2], tf.constant(SETTINGS.gamma))
        gradients = tape.gradient(penalty, weights)  # None for biases, on which the gradient of an image does not depend
        expected = [
            total if gradient is None else total + conv.CYCLE * gradient
            for total, gradient in zip(expected, gradients, strict=True)
        ]
    for plain, penalised, extra in zip(given[False], given[True], expected, strict=True):
        np.testing.assert_allclose(penalised - plain, extra, rtol=1e-3, atol=1e-5)


def test_the_images_own_layers_are_a_strided_convolution_and_its_transpose():
    make = conv._Layers("float64", 1)
    image = keras.Input([28, 28, 1], dtype="float64")
    down = keras.Model(image, make.from_image(image, 5))
    features = keras.Input([14, 14, 5], dtype="float64")
    up = keras.Model(features, make.to_image(features))
    images = np.random.default_rng(0).normal(size=(2, 28, 28, 1))
    # Kernels in the blocks' order: [block row, block column, (row, column) in the block].
    kernel = down.trainable_weights[0].numpy().reshape(2, 2, 2, 2, 5).transpose(0, 2, 1, 3, 4).reshape(4, 4, 1, 5)
    np.testing.assert_allclose(down(images), tf.nn.conv2d(images, kernel, 2, "SAME"), rtol=1e-9)
    halves = down(images).numpy()
    # The transpose spreads each value over 4x4 pixels; the block convolution gathers them, from the last block to the first.
    blocks = up.trainable_weights[0].numpy().reshape(2, 2, 5, 2, 2)[::-1, ::-1]
    spread = blocks.transpose(0, 3, 1, 4, 2).reshape(4, 4, 1, 5)
    expected = tf.nn.conv2d_transpose(halves, spread, [2, 28, 28, 1], 2, "SAME")
    np.testing.assert_allclose(up(halves), expected, rtol=1e-9)


def test_the_losses_are_those_of_the_paper():
    real, fake = np.array([1.0, -2.0]), np.array([0.5, 3.0])
    says_real = 1 / (1 + np.exp(-real)), 1 / (1 + np.exp(-fake))
    d_loss, g_loss, exchange = conv.losses(tf.constant(real), tf.constant(fake))
    np.testing.assert_allclose(d_loss, -np.mean(np.log(says_real[0]) + np.log(1 - says_real[1])))
    np.testing.assert_allclose(g_loss, -np.mean(np.log(says_real[1])))
    np.testing.assert_allclose(exchange, -(1 - says_real[1]) / says_real[1])


def test_a_lost_games_exchange_stays_finite():
    assert np.isfinite(conv.losses(tf.constant([500.0]), tf.constant([-500.0]))[2])


def test_the_label_chooses_the_image_and_the_logit(game, real):
    latent = tf.zeros([2, 8])
    images = game.generator([latent, tf.constant([0, 1], tf.int64)]).numpy()
    assert images.shape == (2, 28, 28, 1)
    assert np.abs(images).max() <= 1
    assert not np.allclose(images[0], images[1])
    logits = game.discriminator([tf.repeat(real[0][:1], 2, axis=0), tf.constant([0, 1], tf.int64)]).numpy()
    assert logits.shape == (2,)
    assert logits[0] != logits[1]


def test_bfloat16_gives_float32_images_logits_and_finite_gradients(real):
    game = Game(conv, SETTINGS, 3, "mixed_bfloat16")
    turn = conv.take_turn(game, *real, tf.range(6, dtype=tf.int64), penalise=True)
    assert turn.fake.dtype == turn.d_loss.dtype == tf.float32
    assert all(np.isfinite(value) for value in turn[:-1])
    assert all(variable.dtype == "float32" for variable in game.generator.trainable_variables)
