"""Memorisation: the rank statistic against SciPy's, and the search for the nearest train image against brute force."""

import numpy as np
import pytest
import scipy.stats

from components.gate.figures.memorisation import copying
from components.judge.memory import TrainMemory


def test_memorisation_is_the_rank_statistic():
    rng = np.random.default_rng(0)
    real, fake = rng.integers(0, 40, 300) / 10, rng.integers(0, 30, 200) / 10  # with ties
    statistic = scipy.stats.mannwhitneyu(real, fake).statistic
    assert copying(real, fake)["memorisation"] == pytest.approx(statistic / len(real) / len(fake))


def test_an_honest_generator_is_told_from_copies_and_from_a_few_copies():
    rng = np.random.default_rng(0)
    real, honest = rng.gamma(9, size=2000), rng.gamma(9, size=2000)
    found = copying(real, honest)
    assert found["memorisation"] == pytest.approx(0.5, abs=0.03)
    assert found["copied_share"] < 0.03
    assert copying(real, np.zeros(2000)) == {"memorisation": 1.0, "copied_share": 1.0}
    few = np.where(np.arange(2000) < 200, 0.0, honest)
    assert copying(real, few)["memorisation"] < 0.6
    assert copying(real, few)["copied_share"] > 0.1


@pytest.mark.parametrize("bad", [np.array([]), np.array([1.0, np.nan])])
def test_no_rows_or_no_numbers_give_no_number(bad):
    assert all(np.isnan(value) for value in copying(np.ones(3), bad).values())
    assert all(np.isnan(value) for value in copying(bad, np.ones(3)).values())


def test_the_nearest_train_image_is_that_of_brute_force_over_pixels():
    rng = np.random.default_rng(0)
    train, images = (rng.integers(0, 256, (count, 28, 28, 1)).astype(np.uint8) for count in (80, 20))
    memory = TrainMemory.of(train, 784)  # all components: plain pixels
    distances, places = memory.nearest(images)
    flat_train, flat = train.reshape(80, -1) / 255.0, images.reshape(20, -1) / 255.0
    expected = np.sqrt(((flat[:, None] - flat_train[None]) ** 2).sum(-1))
    np.testing.assert_array_equal(places, expected.argmin(1))
    np.testing.assert_allclose(distances, expected.min(1), rtol=1e-3)


def test_a_copy_is_found_at_no_distance_and_under_a_little_noise(mnist):
    from tests.support.gate_builders import digits

    train, _ = digits(mnist.directory, "train[:3000]")
    test, _ = digits(mnist.directory, "test[:500]")
    memory = TrainMemory.of(train, 32)
    distances, places = memory.nearest(train[:50])
    np.testing.assert_array_equal(places, np.arange(50))
    assert distances.max() < 1e-3
    noisy = np.clip(train[:50] + np.random.default_rng(0).normal(0, 20, train[:50].shape), 0, 255).astype(np.uint8)
    assert (memory.nearest(noisy)[1] == np.arange(50)).mean() > 0.9
    assert np.median(memory.nearest(noisy)[0]) < np.median(memory.nearest(test)[0]) / 2
