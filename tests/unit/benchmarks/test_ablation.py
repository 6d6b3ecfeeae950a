"""The ablation's variants change what their names say, and nothing breaks by it."""

import numpy as np
import pytest
import tensorflow as tf

from components.gan.recipes import conv
from components.gan.settings import GanSettings
from components.gan.train_state import TrainState
from pipeline.config import resolve_config
from tests.benchmarks import ablation
from tests.support.shapes import GREY_28

_PATCHED = ("gradient_penalty", "non_saturating_losses", "ROWS", "CYCLE")


@pytest.fixture(autouse=True)
def recipe(monkeypatch):
    for name in _PATCHED:  # so that they come back
        monkeypatch.setattr(conv, name, getattr(conv, name))


@pytest.fixture
def gradients(monkeypatch):
    """Return what a penalised step gives both networks, of the conv module as it then is."""

    def take() -> tuple[list[np.ndarray], list[np.ndarray]]:
        state = TrainState(conv, GanSettings(width=4, latent_size=8, batch_size=6), 3, GREY_28, "float32")
        given = {}
        for network in ("discriminator", "generator"):
            monkeypatch.setattr(
                state, f"apply_{network}_gradients", lambda got, *_, network=network: given.setdefault(network, got) and got[0]
            )
        real = tf.random.stateless_uniform([6, 28, 28, 1], [1, 2], -1, 1)
        conv.train_step(state, real, tf.constant([0, 1, 2, 0, 1, 2], tf.int64), tf.range(6, dtype=tf.int64), penalise=True)
        return tuple([np.asarray(g) for g in given[network]] for network in ("discriminator", "generator"))

    return take


@pytest.mark.parametrize("name", ablation.VARIANTS)
def test_every_variant_is_the_recipe_but_for_one_thing(name, gradients):
    variant = ablation.VARIANTS[name]
    settings, base = resolve_config("quick", list(variant.changes)).gan, resolve_config("quick").gan
    before = gradients()
    variant.change_code()
    after = gradients()
    differs = any(
        not np.allclose(a, b) for one, other in zip(before, after, strict=True) for a, b in zip(one, other, strict=True)
    )
    assert differs == (variant.change_code is not ablation.Variant().change_code)
    assert (settings != base) == bool(variant.changes)
    assert all(np.isfinite(value).all() for network in after for value in network)
    assert name == "the recipe" or bool(variant.changes) != differs  # by settings or by code


def test_the_paired_loss_is_relativistic_and_gives_each_network_its_own_gradient():
    ablation._pair()
    real, fake = tf.constant([1.0, -2.0]), tf.constant([0.5, 3.0])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(fake)
        d_loss, g_loss, slope_ratio = conv.non_saturating_losses(real, fake)
    np.testing.assert_allclose(d_loss, np.mean(np.log1p(np.exp([-0.5, 5.0]))), rtol=1e-5)
    np.testing.assert_allclose(tape.gradient(g_loss, fake), slope_ratio * tape.gradient(d_loss, fake), rtol=1e-5)


def test_each_generated_image_meets_a_real_one_of_another_row():
    ablation._pair()
    within = conv.non_saturating_losses
    ablation._pair_across_classes()
    real, fake = tf.constant([1.0, -2.0, 0.0]), tf.constant([0.5, 3.0, 1.0])
    for across, expected in zip(conv.non_saturating_losses(real, fake), within(tf.constant([0.0, 1.0, -2.0]), fake), strict=True):
        np.testing.assert_allclose(across, expected)


def test_the_penalty_on_real_images_is_r1_alone():
    discriminator = TrainState(conv, GanSettings(width=4, latent_size=8), 3, GREY_28, "float32").discriminator
    images, labels = tf.random.stateless_uniform([6, 28, 28, 1], [1, 2], -1, 1), tf.constant([0, 1, 2, 0, 1, 2], tf.int64)
    gamma = tf.constant(3.0)
    r1 = conv.gradient_penalty(discriminator, [images[:3]], labels[:3], gamma)
    ablation._penalise_real_only()
    np.testing.assert_allclose(2.0 * conv.gradient_penalty(discriminator, [images], labels, gamma), r1, rtol=1e-5)
