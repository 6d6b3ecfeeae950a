"""KID against the polynomial kernel written out, pair by pair."""

import numpy as np
import pytest

from components.gate.figures.kid import kernel_distance
from tests.unit.gate.figures.test_frechet import normal


def mmd_by_pairs(real: np.ndarray, fake: np.ndarray) -> float:
    """Gretton et al. 2012, equation 4."""

    def kernel(one, other):
        return (float(one.astype(np.float64) @ other.astype(np.float64)) / len(one) + 1) ** 3

    count = len(real)
    total = sum(
        kernel(real[i], real[j]) + kernel(fake[i], fake[j]) - kernel(real[i], fake[j]) - kernel(real[j], fake[i])
        for i in range(count)
        for j in range(count)
        if i != j
    )
    return total / count / (count - 1)


def test_mean_and_error_are_those_of_the_blocks():
    real, fake = normal(1, 60), normal(2, 60, shift=0.3)
    expected = [mmd_by_pairs(real[i : i + 12], fake[i : i + 12]) for i in range(0, 60, 12)]
    found, error = kernel_distance(real, fake, blocks=5)
    assert found == pytest.approx(np.mean(expected))
    assert error == pytest.approx(np.std(expected, ddof=1) / np.sqrt(5))


def test_equal_distributions_are_at_zero_within_the_error_and_others_are_not():
    scores = []
    for seed in range(30):
        value, error = kernel_distance(normal(seed, 300), normal(1000 + seed, 300))
        scores.append(value / error)
    assert abs(np.mean(scores)) < 1
    value, error = kernel_distance(normal(1, 300), normal(2, 300, shift=2.0))
    assert value > 5 * error


def test_pairing_rows_by_class_adds_no_bias():
    found = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        centres = rng.permutation(np.repeat(np.arange(4) * 3.0, 30))[:, None]
        found.append(kernel_distance(centres + rng.normal(size=(120, 2)), centres + rng.normal(size=(120, 2)))[0])
    assert abs(np.mean(found)) < 3 * np.std(found) / np.sqrt(len(found))


def test_too_few_rows_give_no_number():
    assert all(np.isnan(value) for value in kernel_distance(normal(1, 19), normal(2, 19)))
