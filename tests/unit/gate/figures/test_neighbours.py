"""The neighbour metrics against brute force, and against the `prdc` package of Naeem et al."""

import numpy as np
import prdc
import pytest

from components.gate.figures.neighbours import NEIGHBOUR_FIGURES, neighbour_metrics, realism
from tests.unit.gate.figures.test_frechet import normal


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
        "duplicate_share": np.mean(radii(fake, 1) <= np.quantile(radii(real, 1), 0.01)),
    }


@pytest.mark.parametrize(("count", "shift", "scale"), [(120, 0.0, 1.0), (90, 1.5, 1.0), (150, 0.0, 0.3), (100, 40.0, 2.0)])
def test_neighbour_metrics_are_those_of_brute_force(count, shift, scale, monkeypatch):
    monkeypatch.setattr("components.gate.figures.neighbours._CHUNK", 37)  # several uneven chunks
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


@pytest.mark.parametrize("k", [3, 5])
@pytest.mark.parametrize("shift", [0.0, 1.0])
def test_the_four_are_those_of_prdc(k, shift):
    real, fake = normal(1, 300), normal(2, 300, shift=shift)
    expected = prdc.compute_prdc(real, fake, k)
    found = neighbour_metrics(real, fake, k, k)
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, abs=1e-6), name


def test_duplicates_are_seen_exact_or_nearly_so():
    real, fake = normal(1, 500), normal(2, 500)
    assert neighbour_metrics(real, fake)["duplicate_share"] < 0.05
    fake[250:] = fake[:250] + np.random.default_rng(0).normal(0, 1e-3, fake[:250].shape)
    assert neighbour_metrics(real, fake)["duplicate_share"] == 1.0


def test_what_is_not_finite_or_too_few_gives_no_number():
    broken = normal(1, 50)
    broken[3, 2] = np.nan
    for found in (neighbour_metrics(normal(2, 50), broken), neighbour_metrics(normal(1, 5), normal(2, 50))):
        assert set(found) == set(NEIGHBOUR_FIGURES)
        assert all(np.isnan(value) for value in found.values())


def test_realism_is_that_of_its_definition_and_ranks():
    real = normal(1, 200)
    fake = np.concatenate([real[:3] + 1e-3, real[:3] + 50.0])
    found = realism(real, fake, k=3)
    distances = np.sqrt(((real[:, None].astype(np.float64) - real[None]) ** 2).sum(-1))
    radii = np.sort(distances, axis=1)[:, 3]
    kept = radii <= np.median(radii)
    between = np.sqrt(((fake[:, None].astype(np.float64) - real[None, kept]) ** 2).sum(-1))
    np.testing.assert_allclose(found[3:], (radii[kept] / between).max(1)[3:], rtol=1e-3)
    assert found[:3].min() > found[3:].max()
    assert found[3:].max() < 1
