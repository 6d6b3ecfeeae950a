"""Latents and labels from seeds."""

import numpy as np
import tensorflow as tf

from components.gan.latents import normal_latents, step_seeds, uniform_labels, uniform_latents

SEEDS = tf.range(4000, dtype=tf.int64) - 2000


def test_a_rows_draw_depends_on_its_own_seed_alone():
    whole = normal_latents(SEEDS, 7).numpy()
    shuffled = np.random.default_rng(1).permutation(len(SEEDS))
    np.testing.assert_array_equal(normal_latents(tf.gather(SEEDS, shuffled), 7).numpy(), whole[shuffled])
    np.testing.assert_array_equal(normal_latents(SEEDS[5:6], 7).numpy(), whole[5:6])


def test_normal_latents_are_standard_normal_and_uncorrelated():
    drawn = normal_latents(SEEDS, 16).numpy()
    assert abs(drawn.mean()) < 0.02
    assert abs(drawn.std() - 1) < 0.02
    correlation = np.corrcoef(drawn.T) - np.eye(16)
    assert np.abs(correlation).max() < 0.08  # 5 standard errors of 4000 rows
    assert np.abs(np.corrcoef(drawn[:-1, 0], drawn[1:, 0])[0, 1]) < 0.08


def test_uniform_latents_fill_their_range():
    drawn = uniform_latents(SEEDS, 16).numpy()
    assert drawn.min() > -1
    assert drawn.max() < 1
    np.testing.assert_allclose(np.histogram(drawn, 10, (-1, 1))[0] / drawn.size, 0.1, atol=0.01)


def test_labels_are_even_for_any_class_count():
    for classes in (2, 10, 26):
        shares = np.bincount(uniform_labels(SEEDS, classes).numpy(), minlength=classes) / len(SEEDS)
        assert len(shares) == classes
        np.testing.assert_allclose(shares, 1 / classes, atol=5 * np.sqrt(1 / classes / len(SEEDS)))


def test_step_seeds_repeat_for_a_step_and_differ_between_steps_streams_and_seeds():
    def drawn(seed: int, step: int, stream: int) -> tuple[int, ...]:
        return tuple(step_seeds(seed, tf.constant(step, tf.int64), tf.range(8, dtype=tf.int64), stream).numpy())

    assert drawn(1, 5, 0) == drawn(1, 5, 0)
    everything = [drawn(*key) for key in ((1, 5, 0), (1, 6, 0), (1, 5, 1), (2, 5, 0))]
    assert len({seed for row in everything for seed in row}) == 32
