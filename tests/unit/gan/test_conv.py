"""The conv recipe's networks."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from components.gan.recipes import conv
from components.gan.recipes.conv_layers import Layers
from components.gan.recipes.conv_networks import is_modulated
from components.gan.settings import GanSettings
from components.gan.train_state import TrainState
from components.shape import ImageShape
from tests.support.shapes import GREY_28

SETTINGS = GanSettings(width=4, latent_size=8, batch_size=6, ema_decay=0.0)


@pytest.fixture
def state() -> TrainState:
    return TrainState(conv, SETTINGS, 3, GREY_28, "float32")


@pytest.fixture
def real() -> tuple[tf.Tensor, tf.Tensor]:
    return tf.random.stateless_uniform([6, 28, 28, 1], [1, 2], -1, 1), tf.constant([0, 1, 2, 0, 1, 2], tf.int64)


def test_the_images_own_layers_are_a_strided_convolution_and_its_transpose():
    make = Layers("float64", 1)
    image = keras.Input([28, 28, 1], dtype="float64")
    down = keras.Model(image, make.from_image(image, 5))
    features = keras.Input([14, 14, 5], dtype="float64")
    up = keras.Model(features, make.to_image(features, 1))
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


def test_the_label_chooses_the_image_and_the_logit(state, real):
    latent = tf.zeros([2, 8])
    images = state.generator([latent, tf.constant([0, 1], tf.int64)]).numpy()
    assert images.shape == (2, 28, 28, 1)
    assert np.abs(images).max() <= 1
    assert not np.allclose(images[0], images[1])
    logits = state.discriminator([tf.repeat(real[0][:1], 2, axis=0), tf.constant([0, 1], tf.int64)]).numpy()
    assert logits.shape == (2,)
    assert logits[0] != logits[1]


def test_bfloat16_gives_float32_images_logits_and_finite_gradients(real):
    state = TrainState(conv, SETTINGS, 3, GREY_28, "mixed_bfloat16")
    result = conv.train_step(state, *real, tf.range(6, dtype=tf.int64), penalise=True)
    assert result.fake.dtype == result.d_loss.dtype == tf.float32
    assert all(np.isfinite(value) for value in result[:-1])
    assert all(variable.dtype == "float32" for variable in state.generator.trainable_variables)


def _drawn(settings: GanSettings, shape: ImageShape, style: tf.Tensor) -> tuple[keras.Model, np.ndarray]:
    generator = conv.build_generator(settings, 3, shape, "float32")
    return generator, generator([style, tf.constant([0, 1], tf.int64)]).numpy()


def test_scaled_channels_begin_as_if_there_were_none():
    latent = tf.random.stateless_normal([2, 8], [1, 2])
    generators, images = zip(
        *(_drawn(SETTINGS.model_copy(update={"modulation": on}), GREY_28, latent) for on in (False, True)), strict=True
    )
    np.testing.assert_array_equal(*images)
    assert generators[1].count_params() > generators[0].count_params()


def test_latent_and_class_scale_the_channels():
    generator, before = _drawn(SETTINGS.model_copy(update={"modulation": True}), GREY_28, tf.zeros([2, 8]))
    scales = [weight for weight in generator.trainable_weights if weight.ndim == 2 and not weight.numpy().any()]
    assert len(scales) == 2  # one a level: kernels that are all zero
    scales[0].assign(tf.ones(scales[0].shape))
    after = generator([tf.zeros([2, 8]), tf.constant([0, 1], tf.int64)]).numpy()
    assert not np.allclose(before, after)


@pytest.mark.parametrize(("shape", "expected"), [(GREY_28, False), (ImageShape(28, 28, 3), True), (ImageShape(32, 32, 1), True)])
def test_channels_are_scaled_by_default_where_images_are_richer_than_digits(shape, expected):
    assert is_modulated(GanSettings(), shape) == expected
    assert is_modulated(GanSettings(modulation=not expected), shape) != expected
