"""What the discriminator is shown beside the pixels, by default and by settings."""

import numpy as np
import pytest
import tensorflow as tf

from components.gan.recipes import conv
from components.gan.recipes.conv_networks import shown_beside
from components.gan.recipes.profiles import profiles, profiles_size
from components.gan.recipes.shown import Beside, shown, sizes
from components.gan.settings import GanSettings
from components.shape import ImageShape
from tests.support.shapes import COLOUR_32, GREY_28


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        (GREY_28, Beside(profiles=1)),
        (COLOUR_32, Beside(spectrum=0.1)),
        (ImageShape(28, 28, 3), Beside(spectrum=0.1)),
        (ImageShape(32, 32, 1), Beside(spectrum=0.1)),
    ],
)
def test_images_richer_than_mnists_have_frequencies_by_default_and_others_profiles(shape, expected):
    assert shown_beside(GanSettings(), shape) == expected
    assert shown_beside(GanSettings(spectrum=0.3), shape) == expected._replace(spectrum=0.3)
    assert shown_beside(GanSettings(profiles=0), shape) == expected._replace(profiles=0)


@pytest.mark.parametrize("beside", [Beside(), Beside(0.1, 0), Beside(0, 2), Beside(0.1, 2)])
def test_the_discriminator_takes_what_is_shown(beside):
    network = conv.build_discriminator(GanSettings(width=4, **beside._asdict()), 3, GREY_28, "float32")
    seen = shown(tf.zeros([2, *GREY_28]), beside)
    assert [tensor.name for tensor in network.inputs] == ["image", *sizes(GREY_28, beside), "label"]
    assert [one.shape[1:] for one in seen[1:]] == [(size,) for size in sizes(GREY_28, beside).values()]
    assert network([*seen, tf.zeros([2], tf.int64)]).shape == (2,)


def test_profiles_say_how_far_a_thing_extends():
    image = np.full([1, 20, 24, 3], -1, np.float32)
    image[0, 3:8, 10:21, 1] = 0.5
    found = profiles(tf.constant(image), 2.0).numpy()[0]
    assert len(found) == profiles_size(ImageShape(20, 24, 3))
    rows, columns, row_means, column_means = np.split(found / 2, [20, 44, 64])
    np.testing.assert_array_equal(np.flatnonzero(rows > -1), range(3, 8))
    np.testing.assert_array_equal(np.flatnonzero(columns > -1), range(10, 21))
    np.testing.assert_allclose(row_means, image[0].mean((1, 2)), rtol=1e-6)
    np.testing.assert_allclose(column_means, image[0].mean((0, 2)), rtol=1e-6)
