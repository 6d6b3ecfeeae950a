"""The Fréchet distance against computations written straight from its definition."""

import numpy as np
import pytest
import scipy.linalg

from components.gate.figures.frechet import Moments, frechet_between, frechet_distance, frechet_floor, frechet_infinity


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
    assert np.isnan(frechet_floor(Moments.of(normal(1, 0)), Moments.of(normal(2, 50))))


def test_sums_merge_to_those_of_all_rows():
    rows = normal(1, 200)
    merged = Moments.of(rows[:10]) + Moments.of(rows[10:150]) + Moments.of(rows[150:])
    mean, covariance = merged.mean_and_covariance()
    np.testing.assert_allclose(mean, rows.astype(np.float64).mean(0), rtol=1e-12)
    np.testing.assert_allclose(covariance, np.cov(rows.astype(np.float64), rowvar=False), rtol=1e-9)


def test_floor_with_fewer_reference_rows_is_that_of_equal_counts():
    equal, fewer = [], []
    for seed in range(60):
        real = Moments.of(normal(seed, 400))
        equal.append(frechet_floor(Moments.of(normal(1000 + seed, 400)), real))
        fewer.append(frechet_floor(Moments.of(normal(2000 + seed, 100)), real))
    assert np.mean(fewer) == pytest.approx(np.mean(equal), rel=0.1)


def parts_of(rows: np.ndarray, count: int = 4) -> list[Moments]:
    return [Moments.of(part) for part in np.array_split(rows, count)]


def test_extrapolation_takes_the_bias_away():
    plain, extrapolated = [], []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        real, fake = rng.normal(size=(2, 400, 6))  # equal distributions: the true distance is zero
        plain.append(frechet_between(Moments.of(fake), Moments.of(real)))
        extrapolated.append(frechet_infinity(parts_of(fake), parts_of(real)))
    error = np.std(extrapolated) / np.sqrt(len(extrapolated))
    assert np.mean(plain) > 20 * error
    assert abs(np.mean(extrapolated)) < 4 * error


def test_extrapolation_is_the_line_through_the_distances():
    real, fake = normal(1, 400), normal(2, 400, shift=0.4)
    points = []
    for size in (100, 200, 400):
        found = [frechet_by_scipy(fake[i : i + size], real[i : i + size]) for i in range(0, 400, size)]
        points.append((1 / size, np.mean(found)))
    expected = np.linalg.lstsq([[1, x] for x, _ in points], [y for _, y in points], rcond=None)[0][0]
    assert frechet_infinity(parts_of(fake), parts_of(real)) == pytest.approx(expected, rel=1e-5)


def test_extrapolation_of_too_few_rows_is_no_number():
    assert np.isnan(frechet_infinity(parts_of(normal(1, 5)), parts_of(normal(2, 5))))
