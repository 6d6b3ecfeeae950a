"""A generator of colour images begins with smooth images of faint colours; one of grey images is left as it was."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from components.gan.recipes import conv
from components.gan.recipes.colour import FromDifferences, SmoothBlocks
from components.gan.recipes.conv_layers import Layers
from components.gan.settings import GanSettings
from tests.support.shapes import COLOUR_32


def to_image(channels: int) -> keras.Model:
    below = keras.Input([16, 16, 8])
    return keras.Model(below, Layers("float32", 1).to_image(below, channels))


def test_what_rises_evenly_below_rises_evenly_in_the_image():
    below = tf.range(16.0)[None, None, :, None] * tf.ones([1, 16, 16, 8])
    steps = np.diff(to_image(3)(below)[0], axis=1)[2:-2, 2:-2]  # beyond the border are zeros
    np.testing.assert_allclose(steps, np.broadcast_to(steps[0, 0], steps.shape), atol=1e-5)
    assert np.abs(steps).min() > 1e-4


def test_grey_images_keep_independent_pixels():
    below = tf.ones([1, 16, 16, 8])
    assert np.ptp(to_image(3)(below)[0, 2:-2, 2:-2], axis=(0, 1)).max() < 1e-5
    assert np.ptp(to_image(1)(below)[0, 2:-2, 2:-2]) > 0.1


def test_light_is_grey_and_stronger_than_colour():
    light, *differences = FromDifferences()(np.eye(3, dtype=np.float32)[:, None, None])[:, 0, 0].numpy()
    np.testing.assert_allclose(light, 3**-0.5, rtol=1e-6)
    assert [difference.sum() for difference in differences] == pytest.approx([0, 0], abs=1e-6)
    assert [np.linalg.norm(difference) for difference in differences] == pytest.approx([1 / 4, 1 / 8])


def test_first_images_are_smooth():
    """Random kernels begin with as much power at the highest frequencies as at others; photographs have a hundredth."""
    generator = conv.build_generator(GanSettings(), 3, COLOUR_32, "float32")
    images = generator([tf.random.stateless_normal([64, 64], [1, 2]), tf.range(64, dtype=tf.int64) % 3])
    power = (np.abs(np.fft.rfft2(images, axes=(1, 2))) ** 2).mean((0, 3))
    assert power[14:18, 14:].mean() < 0.01 * power[1:4, 1:4].mean()


def test_the_kernel_follows_from_the_seed():
    kernels = [SmoothBlocks(keras.initializers.VarianceScaling(seed=seed))((2, 2, 8, 12)) for seed in (1, 1, 2)]
    np.testing.assert_array_equal(kernels[0], kernels[1])
    assert np.abs(kernels[0] - kernels[2]).max() > 0.1
