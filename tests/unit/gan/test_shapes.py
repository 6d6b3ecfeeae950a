"""Images of other shapes than 28x28x1: the recipe's depth follows, and what is exported draws them."""

import numpy as np
import pytest
import tensorflow as tf

from components.gan.export import export
from components.gan.input.source import InMemory
from components.gan.recipes import conv
from components.gan.recipes.conv_networks import levels, spectrum_weight
from components.gan.recipes.spectrum import shown
from components.gan.settings import GanSettings
from components.gan.training.loop import train
from components.ingest.image_shape import LARGEST, SMALLEST, STEP
from components.shape import ImageShape
from serving.repository import contract
from serving.saved_model.generator import LocalGenerator
from tests.support.shapes import COLOUR_32, COLOUR_64, COLOUR_128, GREY_28

SETTINGS = GanSettings(steps=4, batch_size=8, width=4, latent_size=8, checkpoint_every=4, sample_every=4)


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (16, [(8, 32), (4, 64)]),
        (28, [(14, 32), (7, 64)]),
        (32, [(16, 32), (8, 64), (4, 128)]),
        (36, [(18, 32), (9, 64), (5, 128)]),
        (64, [(32, 32), (16, 64), (8, 128), (4, 150)]),
        (128, [(64, 32), (32, 64), (16, 128), (8, 150), (4, 150)]),
    ],
)
def test_depth_and_channels_follow_the_size(size, expected):
    assert levels(GanSettings(width=32, max_channels=150), ImageShape(size, size, 1)) == expected


def test_a_width_above_the_most_channels_stays():
    assert levels(GanSettings(width=64, max_channels=32), GREY_28) == [(14, 64), (7, 64)]


@pytest.mark.parametrize("size", [SMALLEST, SMALLEST + STEP, 36, 52, LARGEST - STEP])
def test_both_networks_fit_every_supported_size(size):
    shape = ImageShape(size, size, 3 if size % 8 else 1)
    assert 4 <= levels(SETTINGS, shape)[-1].side <= 7
    generator = conv.build_generator(SETTINGS, 3, shape, "float32")
    discriminator = conv.build_discriminator(SETTINGS, 3, shape, "float32")
    assert generator.output_shape == (None, *shape)
    assert discriminator.input_shape[0] == (None, *shape)
    labels = tf.constant([0, 1], tf.int64)
    images = generator([tf.zeros([2, 8]), labels])
    assert np.isfinite(discriminator([*shown(images, spectrum_weight(SETTINGS, shape)), labels])).all()


@pytest.mark.parametrize(
    ("shape", "recipe"), [(COLOUR_32, "conv"), (COLOUR_64, "conv"), (COLOUR_128, "conv"), (COLOUR_32, "article")]
)
def test_train_export_and_draw(shape, recipe, tmp_path):
    settings = SETTINGS.model_copy(update={"recipe": recipe})
    images = np.random.default_rng(0).integers(0, 256, [16, *shape], np.uint8)
    state = train(InMemory(images, np.arange(16) % 2), 2, settings, tmp_path / "work")
    export(state, tmp_path / "model", "own_gan", {contract.META_CLASS_NAMES: ["a", "b"]})
    generator = LocalGenerator(tmp_path / "model")
    drawn, _ = generator.sample(np.arange(3), np.array([0, 1, -1]))
    assert (drawn.shape, drawn.dtype) == ((3, *shape), np.uint8)
    pngs, _ = generator.sample_png(np.arange(1), np.array([0]))
    assert pngs[0].startswith(b"\x89PNG")


@pytest.mark.parametrize("shape", [GREY_28, ImageShape(64, 64, 1), COLOUR_32, COLOUR_64, COLOUR_128], ids=str)
def test_first_images_differ_however_many_levels_there_are(shape):
    """Two latents' images; a signal that fades from level to level leaves 0.03 of 64x64x3, and training ends in collapse."""
    generator = conv.build_generator(GanSettings(), 3, shape, "float32")
    images = generator([tf.random.stateless_normal([16, 64], [1, 2]), tf.zeros([16], tf.int64)])
    assert 0.1 < float(np.std(images, axis=0).mean()) < 0.5
