"""How much farther off than what is served: the same answer whatever the number of images."""

import numpy as np
import pytest

from components.gate.figures.comparison import compare
from components.gate.figures.frechet import by_part

SIZE, CHANCE = 16, 0.005


def sides(count, worse, seed):
    """Real features, the baseline's, which are a little off, and a candidate's that are farther off; paired."""
    rng = np.random.default_rng(seed)
    real, shared = rng.normal(size=(count, SIZE)), rng.normal(size=(count, SIZE))
    baseline = shared + 0.05
    candidate = 0.9 * shared + 0.43 * rng.normal(size=(count, SIZE)) + 0.05 * worse
    keys = np.arange(count)
    return [by_part(side.astype(np.float32), keys) for side in (real, candidate, baseline)]


def test_an_increase_does_not_depend_on_the_number_of_images():
    found = {
        count: np.array([compare(*sides(count, 2.0, seed), CHANCE) for seed in range(repeats)])
        for count, repeats in ((2_000, 20), (20_000, 4))
    }
    few, many = found[2_000], found[20_000]
    assert few[:, 0].mean() == pytest.approx(many[:, 0].mean(), rel=0.2)
    assert many[:, 0].mean() > 1  # three times as far in the square: plain distances of 2,000 images show 0.9
    assert few[:, 1].mean() > 3 * many[:, 1].mean()


def test_the_error_of_equals_is_not_understated():
    """The jackknife's is on the safe side where distances are near zero, and so is the margin."""
    found = np.array([compare(*sides(2_000, 1.0, seed), CHANCE) for seed in range(60)])
    assert abs(found[:, 0].mean()) < 3 * found[:, 0].std() / 60**0.5
    assert 0.9 * found[:, 0].std() < found[:, 1].mean() < 2.5 * found[:, 0].std()


def test_what_is_no_number_tells_nothing():
    real, _, baseline = sides(200, 1.0, 0)
    broken = by_part(np.full((200, SIZE), np.nan, np.float32), np.arange(200))
    assert np.isnan(compare(real, broken, baseline, CHANCE)).all()
