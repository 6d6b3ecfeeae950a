"""What the discriminator is shown of frequencies is the log-power that numpy finds."""

import numpy as np
import pytest
import tensorflow as tf

from components.gan.recipes import conv
from components.gan.recipes.conv_networks import spectrum_weight
from components.gan.recipes.spectrum import log_spectrum, shown, spectrum_size
from components.gan.settings import GanSettings
from components.shape import ImageShape
from tests.support.shapes import COLOUR_32, GREY_28


@pytest.mark.parametrize("shape", [GREY_28, COLOUR_32, ImageShape(20, 20, 1)], ids=str)
def test_it_is_the_log_power_above_a_natural_images(shape):
    images = np.random.default_rng(0).uniform(-1, 1, [3, *shape]).astype(np.float32)
    found = log_spectrum(tf.constant(images), 0.5).numpy()
    assert found.shape == (3, spectrum_size(shape))
    if shape.channels == 3:
        light = images.sum(3, keepdims=True) / np.sqrt(3)
        images = light  # the first plane; the other two are what is left
    power = np.abs(np.fft.rfft2(images[..., 0], axes=(1, 2))) ** 2 / (shape.height * shape.width)
    for row, column in ((0, 0), (0, 1), (1, 0), (3, 4), (shape.height - 1, 0), (shape.height // 2, shape.width // 2)):
        away = max(min(row, shape.height - row) ** 2 + column**2, 1)
        expected = 0.5 * (np.log(power[:, row, column] + 5e-4) + np.log(away))
        np.testing.assert_allclose(found[:, row * (shape.width // 2 + 1) + column], expected, rtol=1e-4, atol=1e-4)


def test_a_black_image_has_a_finite_slope():
    image = tf.zeros([1, *GREY_28])
    with tf.GradientTape() as tape:
        tape.watch(image)
        value = tf.reduce_sum(log_spectrum(image, 1.0))
    assert np.isfinite(tape.gradient(value, image)).all()


def test_a_faint_checkerboard_is_plain():
    """One of 8 steps of 255 changes one coefficient more than any other."""
    rng = np.random.default_rng(1)
    smooth = np.cumsum(np.cumsum(rng.normal(0, 0.01, [1, 32, 32, 1]), 1), 2).astype(np.float32)
    board = smooth + 0.06 * (-1.0) ** np.add.outer(np.arange(32), np.arange(32)).astype(np.float32)[None, ..., None]
    change = log_spectrum(tf.constant(board), 1.0) - log_spectrum(tf.constant(smooth), 1.0)
    assert np.abs(change).argmax() == 16 * 17 + 16
    assert np.abs(change).max() > 5


@pytest.mark.parametrize(
    ("shape", "expected"), [(GREY_28, 0), (COLOUR_32, 0.1), (ImageShape(28, 28, 3), 0.1), (ImageShape(32, 32, 1), 0.1)]
)
def test_images_richer_than_mnists_have_it_by_default(shape, expected):
    assert spectrum_weight(GanSettings(), shape) == expected
    assert spectrum_weight(GanSettings(spectrum=0.3), shape) == 0.3


def test_without_weight_the_networks_are_those_of_before():
    with_it, without = (
        conv.build_discriminator(GanSettings(width=4, spectrum=weight), 3, GREY_28, "float32") for weight in (0.1, 0)
    )
    assert [tensor.name for tensor in with_it.inputs] == ["image", "spectrum", "label"]
    assert [tensor.name for tensor in without.inputs] == ["image", "label"]
    assert len(shown(tf.zeros([1, *GREY_28]), 0)) == 1
