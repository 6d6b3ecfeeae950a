"""The Fréchet distance against computations written straight from its definition."""

import pickle

import numpy as np
import pytest
import scipy.linalg

from components.gate.figures.frechet import (
    Moments,
    chance_of,
    extrapolate,
    frechet_between,
    frechet_distance,
    leave_one_out,
    ratio_to_train,
    ratio_with_error,
)


def normal(seed: int, count: int, size: int = 6, shift: float = 0.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(count, size)) @ np.random.default_rng(99).normal(size=(size, size)) + shift).astype(np.float32)


def frechet_by_scipy(first: np.ndarray, second: np.ndarray) -> float:
    first, second = first.astype(np.float64), second.astype(np.float64)
    c1, c2 = np.cov(first, rowvar=False), np.cov(second, rowvar=False)
    root = scipy.linalg.sqrtm(c1 @ c2)
    return float(((first.mean(0) - second.mean(0)) ** 2).sum() + np.trace(c1 + c2 - 2 * root.real))


@pytest.mark.parametrize("shift", [0.0, 0.5, 30.0])
def test_frechet_distance_is_scipys(shift):
    first, second = normal(1, 200), normal(2, 300, shift=shift)
    assert frechet_between(Moments.of(first), Moments.of(second)) == pytest.approx(frechet_by_scipy(first, second), rel=1e-6)


def test_frechet_distance_has_its_closed_form_for_diagonal_covariances():
    c1, c2 = np.diag([1.0, 4.0]), np.diag([9.0, 1.0])
    assert frechet_distance(np.zeros(2), c1, np.array([3.0, 4.0]), c2) == pytest.approx(25 + (1 - 3) ** 2 + (2 - 1) ** 2)


def test_frechet_distance_of_a_collapsed_set_is_finite():
    same = np.ones((50, 6), np.float32)
    distance = frechet_between(Moments.of(same), Moments.of(normal(1, 200)))
    expected = ((same.mean(0) - normal(1, 200).mean(0)) ** 2).sum() + np.trace(np.cov(normal(1, 200), rowvar=False))
    assert distance == pytest.approx(expected, rel=1e-5)


def test_frechet_distance_to_itself_is_nothing():
    moments = Moments.of(normal(1, 200))
    assert frechet_between(moments, moments) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_stays_so(bad):
    broken = normal(1, 50)
    broken[3, 2] = bad
    with np.errstate(invalid="ignore"):
        assert np.isnan(frechet_between(Moments.of(broken), Moments.of(normal(2, 50))))


def test_too_few_rows_give_no_number():
    assert np.isnan(frechet_between(Moments.of(normal(1, 1)), Moments.of(normal(2, 50))))
    assert np.isnan(chance_of(Moments.of(normal(1, 0)), Moments.of(normal(2, 50))))


def test_sums_merge_to_those_of_all_rows():
    rows = normal(1, 200)
    merged = Moments.of(rows[:10]) + Moments.of(rows[10:150]) + Moments.of(rows[150:])
    mean, covariance = merged.mean_and_covariance()
    np.testing.assert_allclose(mean, rows.astype(np.float64).mean(0), rtol=1e-12)
    np.testing.assert_allclose(covariance, np.cov(rows.astype(np.float64), rowvar=False), rtol=1e-9)


def test_sums_are_sent_by_half_and_arrive_whole():
    sums = Moments.of(normal(1, 300)) + Moments.of(normal(2, 200))
    sent = pickle.dumps(sums)
    arrived = pickle.loads(sent)
    assert (arrived.count, arrived.total.tolist(), arrived.outer.tolist()) == (500, sums.total.tolist(), sums.outer.tolist())
    large = Moments.of(normal(1, 300, size=64))
    assert len(pickle.dumps(large)) < 0.55 * large.outer.nbytes


def test_chance_is_that_of_any_numbers():
    """Halves of 800 tell what samples of 100 and 400 have from each other."""
    told, found = [], []
    for seed in range(60):
        told.append(chance_of(Moments.of(normal(seed, 800)), Moments.of(normal(1000 + seed, 800))) * (1 / 100 + 1 / 400))
        found.append(frechet_between(Moments.of(normal(2000 + seed, 100)), Moments.of(normal(3000 + seed, 400))))
    assert np.mean(told) == pytest.approx(np.mean(found), rel=0.1)


def parts_of(rows: np.ndarray, count: int = 20) -> list[Moments]:
    return [Moments.of(part) for part in np.array_split(rows, count)]


def extrapolated(fake: np.ndarray, real: np.ndarray) -> np.ndarray:
    pairs = zip(leave_one_out(parts_of(fake)), leave_one_out(parts_of(real)), strict=True)
    return extrapolate(np.array([frechet_between(*pair) for pair in pairs]))


def test_leaving_one_out_is_the_sum_of_the_others():
    rows = normal(1, 200)
    whole, without_first = leave_one_out(parts_of(rows))[:2]
    np.testing.assert_allclose(whole.outer, Moments.of(rows).outer, rtol=1e-9)
    np.testing.assert_allclose(without_first.total, Moments.of(rows[10:]).total, rtol=1e-6)


@pytest.mark.parametrize("shift", [0.0, 0.6])
def test_extrapolation_takes_the_bias_away_and_tells_its_error(shift):
    plain, free, errors = [], [], []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        real, fake = rng.normal(size=(2, 400, 6))
        fake[:, 0] += shift
        plain.append(frechet_between(Moments.of(fake), Moments.of(real)))
        found = extrapolated(fake, real)
        free.append(found.mean())
        errors.append(found.std(ddof=1) / np.sqrt(len(found)))
    spread = np.std(free)
    assert np.mean(plain) - shift**2 > 8 * spread / np.sqrt(60)
    assert abs(np.mean(free) - shift**2) < 4 * spread / np.sqrt(60)
    assert 0.8 * spread < np.mean(errors) < 1.8 * spread  # rather too wide than too narrow


def test_a_ratio_does_not_depend_on_the_number_of_images():
    """The same generator, held to 10,000 images' chance, is as far off at 500 images as at 8,000, within its error."""
    chance = 0.01
    found = []
    for count in (500, 2000, 8000):
        rng = np.random.default_rng(count)
        real, fake = rng.normal(size=(2, count, 6))
        fake[:, 0] += 0.3
        found.append(ratio_with_error(extrapolated(fake, real), np.zeros(20), chance))
    truth = 1 + 0.3**2 / chance
    assert all(abs(ratio - truth) < 3 * error for ratio, error in found), found
    assert found[0][1] > 2 * found[2][1]


def test_what_both_share_cancels_in_the_error():
    distances = np.random.default_rng(0).normal(5, 1, 20)
    ratio, error = ratio_with_error(distances, distances, 1.0)
    assert (ratio, error) == (pytest.approx(1), pytest.approx(0, abs=1e-12))


def test_no_chance_gives_no_ratio():
    assert np.isnan(ratio_with_error(np.ones(20), np.zeros(20), 0.0)).all()


@pytest.mark.parametrize("shift", [0.0, 0.3])
def test_the_ratio_to_the_train_images_is_one_for_their_own_distribution(shift):
    """Independent dimensions of unit variance: chance leaves their number of means and of covariances over the count."""
    rng = np.random.default_rng(4)
    size, count = 6, 3000
    train, fake = rng.normal(size=(20_000, size)), rng.normal(size=(count, size))
    fake[:, 0] += shift
    ratio, error = ratio_to_train((Moments.of(train[::2]), Moments.of(train[1::2])), parts_of(fake), count)
    # tr(C) / n for the mean, and (D + D^2) / 4n for the covariance, of each side (Chong & Forsyth's bias, for a Gaussian)
    chance = 2 * (size + size * (size + 1) / 4) / count
    assert ratio == pytest.approx(1 + shift**2 / chance, rel=0.25, abs=3 * error)
    assert (ratio - 1 > 5 * error) == bool(shift)


def test_no_images_have_no_ratio_to_the_train_images():
    train = Moments.of(normal(1, 100)), Moments.of(normal(2, 100))
    assert np.isnan(ratio_to_train(train, parts_of(normal(3, 200)), 0)).all()
