"""The metrics against computations written straight from their definitions."""

import numpy as np
import pytest
import scipy.linalg

from components.gate.reference import Moments, class_shares, frechet_between, frechet_distance, frechet_floor, neighbour_metrics


def normal(seed: int, count: int, size: int = 6, shift: float = 0.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(count, size)) @ np.random.default_rng(99).normal(size=(size, size)) + shift).astype(np.float32)


def frechet_by_scipy(first: np.ndarray, second: np.ndarray) -> float:
    first, second = first.astype(np.float64), second.astype(np.float64)
    c1, c2 = np.cov(first, rowvar=False), np.cov(second, rowvar=False)
    root = scipy.linalg.sqrtm(c1 @ c2)
    return float(((first.mean(0) - second.mean(0)) ** 2).sum() + np.trace(c1 + c2 - 2 * root.real))


def neighbours_by_brute_force(real: np.ndarray, fake: np.ndarray, precision_k: int, density_k: int) -> dict[str, float]:
    """Kynkäänniemi 2019, eqs. 1 to 3; Naeem 2020, eqs. 4 and 6."""
    real, fake = real.astype(np.float64), fake.astype(np.float64)

    def distances(a, b):
        return np.sqrt(((a[:, None] - b[None]) ** 2).sum(-1))

    def radii(a, k):
        return np.sort(distances(a, a), axis=1)[:, k]

    between = distances(real, fake)
    return {
        "precision": np.mean([(between[:, j] <= radii(real, precision_k)).any() for j in range(len(fake))]),
        "recall": np.mean([(between[i] <= radii(fake, precision_k)).any() for i in range(len(real))]),
        "density": (between <= radii(real, density_k)[:, None]).sum() / (density_k * len(fake)),
        "coverage": np.mean(between.min(1) <= radii(real, density_k)),
    }


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
    assert all(np.isnan(value) for value in neighbour_metrics(normal(2, 50), broken).values())


def test_too_few_rows_give_no_number():
    assert np.isnan(frechet_between(Moments.of(normal(1, 1)), Moments.of(normal(2, 50))))
    assert np.isnan(frechet_floor(Moments.of(normal(1, 0)), Moments.of(normal(2, 50))))
    assert all(np.isnan(value) for value in neighbour_metrics(normal(1, 5), normal(2, 50)).values())


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


@pytest.mark.parametrize(("count", "shift", "scale"), [(120, 0.0, 1.0), (90, 1.5, 1.0), (150, 0.0, 0.3), (100, 40.0, 2.0)])
def test_neighbour_metrics_are_those_of_brute_force(count, shift, scale, monkeypatch):
    monkeypatch.setattr("components.gate.reference._CHUNK", 37)  # several uneven chunks
    real, fake = normal(1, 130), normal(2, count) * np.float32(scale) + np.float32(shift)
    found, expected = neighbour_metrics(real, fake, 3, 5), neighbours_by_brute_force(real, fake, 3, 5)
    assert found == pytest.approx(expected, abs=1e-6)


def test_neighbour_metrics_far_from_the_origin_keep_their_precision():
    real, fake = normal(1, 130), normal(2, 120)
    far = neighbour_metrics(real + 1000, fake + 1000)
    assert far == pytest.approx(neighbour_metrics(real, fake), abs=0.02)


def test_equal_distributions_and_collapse():
    real = normal(1, 1000)
    same = neighbour_metrics(real, normal(2, 1000))
    assert min(same["precision"], same["recall"], same["coverage"]) > 0.75
    assert same["density"] == pytest.approx(1, abs=0.15)
    one = neighbour_metrics(real, np.repeat(real[:1], 1000, axis=0))
    assert one["recall"] < 0.01
    assert one["coverage"] < 0.02
    assert one["precision"] == 1.0


def test_class_shares_are_relative_to_the_real_labels():
    shares = class_shares(np.array([10, 30, 60]), np.array([10, 30, 60]))
    np.testing.assert_allclose(shares, 1 / 3)
    np.testing.assert_allclose(class_shares(np.array([50, 50]), np.array([100, 0])), [1.0, 0.0])
    assert np.isnan(class_shares(np.array([5, 0]), np.array([5, 1]))).tolist() == [False, True]
