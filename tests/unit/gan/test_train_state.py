"""The schedules of a train state."""

import numpy as np
import pytest
import tensorflow as tf

from components.gan.recipes import conv
from components.gan.settings import GanSettings
from components.gan.train_state import TrainState
from tests.support.shapes import COLOUR_32, GREY_28

STEPS = 400


@pytest.fixture
def state() -> TrainState:
    settings = GanSettings(width=4, latent_size=8, steps=STEPS, learning_rate=8e-4, final_learning_rate=2e-4)
    return TrainState(conv, settings, 3, GREY_28, "float32")


@pytest.mark.parametrize(("step", "rate"), [(0, 8e-4), (STEPS // 2, 4e-4), (STEPS, 2e-4)])
def test_the_rate_falls_by_the_same_factor_every_step(state, step, rate):
    state.step.assign(step)
    np.testing.assert_allclose(state.learning_rate(), rate, rtol=1e-5)


@pytest.mark.parametrize(("step", "rate", "value"), [(0, 8e-4, 3.0), (50, 4e-4, 2.0), (100, 2e-4, 1.0), (STEPS, 2e-4, 1.0)])
def test_after_the_decay_all_stays_as_it_is(state, step, rate, value):
    state.settings = state.settings.model_copy(update={"decay_steps": 100})
    state.step.assign(step)
    np.testing.assert_allclose(state.learning_rate(), rate, rtol=1e-5)
    np.testing.assert_allclose(state.cosine_decay(3.0, 1.0), value, rtol=1e-5)


@pytest.mark.parametrize(
    ("step", "decay"), [(0, 0.1), (90, 0.91), (9_600, 0.998), (9_600 + 998, 0.998), (9_600 + 4_998, 0.9996), (14_400, 0.99958351)]
)
def test_once_the_rate_stays_the_average_grows_with_the_steps_since(state, step, decay):
    state.settings = state.settings.model_copy(update={"steps": 48_000, "decay_steps": 9_600})
    state.step.assign(step)
    np.testing.assert_allclose(state.ema_decay(), decay, rtol=1e-8)


def test_the_average_moves_by_that_decay(state):
    state.settings = state.settings.model_copy(update={"decay_steps": 100, "ema_decay": 0.9})
    state.step.assign(298)
    for mean, value in zip(state.ema_generator.trainable_variables, state.generator.trainable_variables, strict=True):
        mean.assign(np.zeros(mean.shape))
        value.assign(np.ones(value.shape))
    zeros = [np.zeros(value.shape, np.float32) for value in state.generator.trainable_variables]
    state.apply_generator_gradients([tf.constant(zero) for zero in zeros])
    for mean in state.ema_generator.get_weights():
        np.testing.assert_allclose(mean, 0.01, rtol=1e-9)  # 198 of 200 are kept


def test_without_held_steps_or_an_average_the_decay_stays(state):
    state.step.assign(STEPS)
    np.testing.assert_allclose(state.ema_decay(), (1 + STEPS) / (10 + STEPS), rtol=1e-12)
    state.settings = state.settings.model_copy(update={"decay_steps": 100, "ema_decay": 0.0})
    assert state.ema_decay() == 0


@pytest.mark.parametrize(("step", "value"), [(0, 3.0), (STEPS // 2, 2.0), (STEPS, 1.0)])
def test_what_decays_follows_a_cosine(state, step, value):
    state.step.assign(step)
    np.testing.assert_allclose(state.cosine_decay(3.0, 1.0), value, rtol=1e-5)


@pytest.mark.parametrize(
    ("shape", "setting", "end"),
    [(GREY_28, None, 3.2e-4), (GREY_28, 0, 1.5e-4), (COLOUR_32, None, 1.5e-4), (COLOUR_32, 5e-4, 5e-4)],
)
def test_the_discriminators_rate_is_a_multiple_of_the_generators_down_to_a_floor(monkeypatch, shape, setting, end):
    settings = GanSettings(width=4, latent_size=8, steps=STEPS, learning_rate=8e-4, final_learning_rate=1e-4)
    settings = settings.model_copy(update={"rate_ratio": 1.5, "min_discriminator_rate": setting})
    state, rates = TrainState(conv, settings, 3, shape, "float32"), []
    for adam in (state._d_adam, state._g_adam):
        monkeypatch.setattr(adam, "apply", lambda _gradients, rate, _step: rates.append(float(rate)))
    for step in (0, STEPS):
        state.step.assign(step)
        labels = tf.zeros([2], tf.int64)
        conv.train_step(state, tf.zeros([2, *shape]), labels, labels, penalise=False)
    np.testing.assert_allclose(rates, [1.2e-3, 8e-4, end, 1e-4], rtol=1e-5)
