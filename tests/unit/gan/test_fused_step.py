"""The conv recipe's fused step gives the gradients of the papers' step."""

import numpy as np
import pytest
import tensorflow as tf

from components.gan.recipes import conv
from components.gan.settings import PENALTY_EVERY, GanSettings
from components.gan.train_state import TrainState
from tests.support.reference_step import reference_gradients
from tests.support.shapes import GREY_28

CLASSES = 3
SETTINGS = GanSettings(width=4, latent_size=8, steps=400, gamma=3.0, final_gamma=1.0)


@pytest.fixture(scope="module", params=[0.0, 0.5], ids=["pixels", "and frequencies"])
def state(request) -> TrainState:
    """Networks away from their start, where all biases are 0, in the middle of the schedules."""
    state = TrainState(conv, SETTINGS.model_copy(update={"spectrum": request.param}), CLASSES, GREY_28, "float32")
    rng = np.random.default_rng(0)
    for weight in [*state.generator.trainable_variables, *state.discriminator.trainable_variables]:
        weight.assign_add(rng.normal(0, 0.02, weight.shape).astype(np.float32))
    state.step.assign(SETTINGS.steps // 2)
    return state


@pytest.mark.parametrize("penalise", [False, True])
@pytest.mark.parametrize("batch_size", [1, 2, 7, 32])
def test_both_networks_get_the_reference_steps_gradients(state, batch_size, penalise, monkeypatch):
    given = {}
    for network in ("discriminator", "generator"):
        monkeypatch.setattr(
            state, f"apply_{network}_gradients", lambda got, *_, network=network: given.update({network: got}) or tf.constant(0.0)
        )
    rng = np.random.default_rng(batch_size)
    real = tf.constant(rng.uniform(-1, 1, [batch_size, 28, 28, 1]), tf.float32)
    label = tf.constant(rng.integers(0, CLASSES, batch_size), tf.int64)
    seeds = tf.range(batch_size, dtype=tf.int64)
    conv.train_step(state, real, label, seeds, penalise)

    latent = conv.draw_latents(seeds, SETTINGS.latent_size)
    middle = (SETTINGS.gamma + SETTINGS.final_gamma) / 2  # of the cosine
    expected = reference_gradients(
        state.generator, state.discriminator, real, label, latent, middle, penalise, state.settings.spectrum
    )
    for network, wanted in zip(("discriminator", "generator"), expected, strict=True):
        for variable, got, want in zip(getattr(state, network).trainable_variables, given[network], wanted, strict=True):
            assert relative_error(got, want) < 2e-5, f"{network}: {variable.path}"


def relative_error(got: tf.Tensor, want: tf.Tensor) -> float:
    """||got - want|| / ||want||."""
    assert float(tf.norm(want)) > 0
    return float(tf.norm(got - want) / tf.norm(want))


def test_the_penalties_have_a_share_that_the_comparison_would_miss(state):
    """The gradients with and without them differ by far more than the tolerance."""
    real = tf.random.stateless_uniform([8, 28, 28, 1], [1, 2], -1, 1)
    label, latent = tf.zeros([8], tf.int64), tf.random.stateless_normal([8, SETTINGS.latent_size], [3, 4])
    with_penalties, without = (
        reference_gradients(state.generator, state.discriminator, real, label, latent, 1.0, penalise, state.settings.spectrum)[0]
        for penalise in (True, False)
    )
    assert relative_error(with_penalties[0], without[0]) > 1e-2


def test_lazy_penalties_come_once_a_cycle():
    assert conv.CYCLE == PENALTY_EVERY
