"""The schedules of a game."""

import numpy as np
import pytest
import tensorflow as tf

from components.gan.recipes import conv
from components.gan.settings import GanSettings
from components.gan.train_state import Game, accuracy

STEPS = 400


@pytest.fixture
def game() -> Game:
    settings = GanSettings(width=4, latent_size=8, steps=STEPS, learning_rate=8e-4, final_learning_rate=2e-4)
    return Game(conv, settings, 3, "float32")


@pytest.mark.parametrize(("step", "rate"), [(0, 8e-4), (STEPS // 2, 4e-4), (STEPS, 2e-4)])
def test_the_rate_falls_by_the_same_factor_every_step(game, step, rate):
    game.step.assign(step)
    np.testing.assert_allclose(game.learning_rate(), rate, rtol=1e-5)


@pytest.mark.parametrize(("step", "value"), [(0, 3.0), (STEPS // 2, 2.0), (STEPS, 1.0)])
def test_what_decays_follows_a_cosine(game, step, value):
    game.step.assign(step)
    np.testing.assert_allclose(game.decayed(3.0, 1.0), value, rtol=1e-5)


def test_accuracy_counts_each_image_by_itself():
    # Every real logit is above the generated one beside it, yet half of the images are on the wrong side of 0.
    assert float(accuracy(tf.constant([1.0, -1.0, 2.0]), tf.constant([0.5, -3.0, 1.0]))) == 0.5
