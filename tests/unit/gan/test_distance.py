"""The distance from the train images: small for equal distributions, large for a collapse, for every shape."""

import numpy as np
import pytest
import tensorflow as tf

from components.gan.input.shards import find_shards
from components.gan.input.source import InMemory
from components.gan.input.stream import Streamed
from components.gan.recipes import conv
from components.gan.settings import GanSettings
from components.gan.train_state import TrainState
from components.gan.training.distance import Slices, TrainDistance, random_features
from components.shape import ImageShape
from components.transform.pixels import scale
from tests.support.shards import write_shards


def features_of(images: np.ndarray) -> list[np.ndarray]:
    groups = random_features(ImageShape(*images.shape[1:]))(scale(tf.constant(images)))
    return [group.numpy().astype(np.float64) for group in groups]


def test_more_of_the_same_is_near_and_less_variety_is_far(images):
    pixels, labels = images
    slices = Slices(features_of(pixels[:200]))
    same = slices.distance(features_of(pixels[200:400]))
    one_class = slices.distance(features_of(np.resize(pixels[labels == 0], [200, 28, 28, 1])))
    one_image = slices.distance(features_of(np.repeat(pixels[:1], 200, axis=0)))
    dimmer = slices.distance(features_of(pixels[200:400] // 2))
    assert slices.distance(features_of(pixels[:200])) == 0.0
    assert 0 < same < 0.3
    assert min(one_class, one_image, dimmer) > 3 * same


def test_its_unit_is_the_real_images_standard_deviation():
    real = np.random.default_rng(0).normal(5.0, 40.0, (500, 1))
    np.testing.assert_allclose(Slices([real]).distance([real + 2 * real.std()]), 2.0)


def test_groups_count_alike_whatever_their_size_and_scale():
    rng = np.random.default_rng(0)
    wide, narrow = rng.normal(0, 100, (400, 1)), rng.normal(0, 1, (400, 50))
    slices = Slices([wide, narrow])
    first = slices.distance([wide + 300, narrow])
    second = slices.distance([wide, narrow + 3])
    np.testing.assert_allclose(first, second, rtol=0.5)


def test_what_isnt_finite_has_no_distance():
    real = np.random.default_rng(0).normal(size=(50, 4))
    broken = real.copy()
    broken[7, 2] = np.inf
    assert np.isnan(Slices([real]).distance([broken]))


def test_images_that_are_all_the_same_have_one(images):
    same = np.repeat(images[0][:1], 20, axis=0)
    assert Slices(features_of(same)).distance(features_of(same)) == 0.0
    assert np.isfinite(Slices(features_of(same)).distance(features_of(images[0][:20])))


@pytest.mark.parametrize("side", [16, 20, 36, 64, 128])
@pytest.mark.parametrize("channels", [1, 3])
def test_every_shape_has_features(side, channels):
    images = np.random.default_rng(0).integers(0, 256, (10, side, side, channels), np.uint8)
    thumbnail, *scales = features_of(images)
    assert thumbnail.shape == (10, 64 * channels)
    assert [group.shape for group in scales] == [(10, 128)] * {16: 1, 20: 1, 36: 2, 64: 3, 128: 4}[side]
    assert all(np.isfinite(group).all() for group in (thumbnail, *scales))


def test_a_sample_is_of_different_images_and_the_same_each_time(images, tmp_path):
    streamed = Streamed(find_shards([write_shards(tmp_path / "examples", *images, [200, 100, 300])], tmp_path))
    for source in (InMemory(*images), streamed):
        pixels, labels = source.sample(150, seed=1)
        assert pixels.shape == (150, 28, 28, 1)
        known = {image.tobytes(): label for image, label in zip(*images, strict=True)}
        assert len({image.tobytes() for image in pixels}) == 150
        assert [known[image.tobytes()] for image in pixels] == labels.tolist()
        np.testing.assert_array_equal(source.sample(150, seed=1)[0], pixels)
        assert not np.array_equal(source.sample(150, seed=2)[0], pixels)
        assert len(source.sample(5000, seed=1)[0]) == 600


def test_it_leaves_the_training_as_it_was(images):
    settings = GanSettings(width=4, latent_size=8, steps=8)
    state = TrainState(conv, settings, 3, ImageShape(28, 28, 1), "float32")
    before = [weight.copy() for weight in state.average.get_weights()]
    measure = TrainDistance(InMemory(*images), state)
    first = measure(before)
    moved = measure([weight + 0.1 for weight in before])
    assert first != moved
    assert measure(before) == first
    for mine, theirs in zip(state.average.get_weights(), before, strict=True):
        np.testing.assert_array_equal(mine, theirs)
