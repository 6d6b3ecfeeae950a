import numpy as np
import pytest

from components.gate.figures.leak import leaked_share
from components.gate.figures.outliers import outlier_share


def points(seed, count=1000, size=5):
    return np.random.default_rng(seed).normal(size=(count, size)).astype(np.float32)


def test_what_learned_from_the_train_images_alone_is_as_near_to_either():
    assert leaked_share(points(1), points(2), points(3)) == pytest.approx(0.5, abs=0.06)


def test_the_held_out_images_themselves_are_all_found():
    assert leaked_share(points(2), points(2), points(3)) == 1
    half = np.concatenate([points(2)[:500], points(1)[:500]])
    assert leaked_share(half, points(2), points(3)) == pytest.approx(0.75, abs=0.05)


def test_only_as_many_are_looked_at_as_there_are_on_the_other_side():
    assert leaked_share(points(1), points(2), points(3, 50_000)) == pytest.approx(0.5, abs=0.06)
    assert np.isnan(leaked_share(points(1), points(2, 0), points(3)))


def scores(seed, count=5000):
    return np.abs(np.random.default_rng(seed).normal(size=(2, count))) * [[1.0], [30.0]]


def test_real_against_real_has_one_in_a_hundred():
    assert outlier_share(scores(1, 50_000), scores(2, 50_000)) == pytest.approx(0.01, abs=0.002)


@pytest.mark.parametrize("place", [0, 1])
def test_either_score_alone_makes_an_outlier(place):
    strange = scores(2)
    strange[place, :250] *= 100
    assert outlier_share(scores(1), strange) == pytest.approx(0.06, abs=0.01)


def test_no_number_gives_no_share():
    assert np.isnan(outlier_share(scores(1), np.full((2, 5), np.nan)))
    assert np.isnan(outlier_share(scores(1), np.zeros((2, 0))))
