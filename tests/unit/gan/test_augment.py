"""The discriminator's augmented views: what they change, how often, and that a continued training sees the same ones."""

import numpy as np
import pytest
import tensorflow as tf

from components.gan.input.source import InMemory
from components.gan.recipes.augment import augment
from components.gan.settings import GanSettings
from components.gan.training.augmentation import with_augmentation
from components.gan.training.checkpoints import Checkpoints
from components.gan.training.loop import train
from tests.support.shapes import COLOUR_32, GREY_28


def seeds(count: int) -> tf.Tensor:
    return tf.constant(np.arange(count) * 7919 + 3, tf.int64)


def pictures(count: int, shape=GREY_28) -> tf.Tensor:
    """Images without a zero, which is what is shifted in."""
    return tf.constant(np.random.default_rng(0).uniform(0.1, 1.0, (count, *shape)), tf.float32)


def test_changes_happen_as_often_as_asked_and_leave_the_others_alone():
    images = pictures(2000)
    changed = np.any(augment(images, seeds(2000), 0.3, stream=4) != images, axis=(1, 2, 3))
    # Two kinds of change for grey images; a shift by 0 in both directions (1 in 49) is none, as are other roundings.
    assert changed.mean() == pytest.approx(1 - 0.7 * 0.7, abs=0.04)
    np.testing.assert_array_equal(augment(images, seeds(2000), 0.0, stream=4), images)


def test_a_row_depends_on_its_own_seed_alone():
    images = pictures(9, COLOUR_32)
    whole = augment(images, seeds(9), 0.6, stream=4)
    np.testing.assert_allclose(augment(images[4:6], seeds(9)[4:6], 0.6, stream=4), whole[4:6], rtol=1e-6)
    assert not np.allclose(augment(images, seeds(9), 0.6, stream=5), whole)


def test_grey_pixels_are_moved_or_cut_out_and_never_recoloured():
    images = pictures(50)
    for image, view in zip(images.numpy(), augment(images, seeds(50), 0.8, stream=4).numpy(), strict=True):
        kept = view[view != 0]
        assert np.isin(kept, image).all()
        assert len(kept) >= 0.25 * image.size * (1 - 2 / 7)


def test_colours_change_by_a_bounded_amount():
    images = pictures(400, COLOUR_32) * 0.2
    view = augment(images, seeds(400), 0.8, stream=4).numpy()
    assert np.abs(view).max() <= 0.5 + 0.2 * 1.5
    recoloured = [not np.isin(a[a != 0], b).all() for a, b in zip(view, images.numpy(), strict=True)]
    assert np.mean(recoloured) == pytest.approx(0.8, abs=0.06)


def test_gradients_flow_through():
    images = tf.Variable(pictures(6, COLOUR_32))
    direction = tf.constant(np.random.default_rng(1).normal(size=images.shape), tf.float32)
    with tf.GradientTape() as tape:
        value = tf.reduce_sum(augment(images, seeds(6), 0.7, stream=4) ** 2)
    slope = float(tf.reduce_sum(tape.gradient(value, images) * direction))
    sides = [float(tf.reduce_sum(augment(images + step * direction, seeds(6), 0.7, stream=4) ** 2)) for step in (1e-2, -1e-2)]
    assert slope == pytest.approx((sides[0] - sides[1]) / 2e-2, rel=1e-2)


@pytest.mark.parametrize(
    ("images", "changes", "expected"),
    [
        (60_000, {}, 0.0),
        (20_000, {"steps": 400_000}, 0.0),
        (10_000, {}, 0.2),
        (6_000, {"steps": 400}, 0.0),  # each is seen four times
        (200, {}, 0.6),
        (200, {"recipe": "article"}, 0.0),
        (200, {"augment": 0.1}, 0.1),
        (60_000, {"augment": 0.8}, 0.8),
    ],
)
def test_the_data_decide_unless_the_setting_does(images, changes, expected):
    assert with_augmentation(GanSettings(**changes), images).augment == expected


def test_a_killed_training_sees_the_same_views_again(tmp_path, monkeypatch):
    images = np.random.default_rng(0).integers(0, 256, (40, *COLOUR_32), np.uint8), np.arange(40) % 2
    settings = GanSettings(
        steps=16, batch_size=8, width=4, latent_size=8, checkpoint_every=4, sample_every=16, augment=0.5, precision="float32"
    )
    whole = train(InMemory(*images), 2, settings, tmp_path / "whole")
    other = train(InMemory(*images), 2, settings.model_copy(update={"augment": 0.0}), tmp_path / "other")
    save = Checkpoints.save

    def killed_after(self, step):
        save(self, step)
        if step == 8:
            raise KeyboardInterrupt

    monkeypatch.setattr(Checkpoints, "save", killed_after)
    with pytest.raises(KeyboardInterrupt):
        train(InMemory(*images), 2, settings, tmp_path / "killed")
    monkeypatch.setattr(Checkpoints, "save", save)
    continued = train(InMemory(*images), 2, settings, tmp_path / "killed")
    for mine, theirs in zip(continued.discriminator.get_weights(), whole.discriminator.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert not np.array_equal(whole.discriminator.get_weights()[0], other.discriminator.get_weights()[0])
