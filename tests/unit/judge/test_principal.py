"""Principal components of large images: those of the covariance, found without it."""

import numpy as np

from components.judge import principal
from components.judge.memory import TrainMemory


def pictures(count: int, side: int) -> np.ndarray:
    """Random mixtures of a few smooth patterns, with a little noise: like photographs, few directions hold most variance."""
    rng = np.random.default_rng(0)
    grid = np.linspace(0, 3, side)
    patterns = np.stack([np.sin(a * grid)[:, None] * np.cos(b * grid)[None] for a in range(1, 4) for b in range(3)])
    mixed = np.tensordot(rng.normal(size=(count, 9)) * 20 / np.arange(1, 10), patterns, 1)[..., None] * [1.0, 0.7, 0.4]
    return (128 + mixed + rng.normal(size=mixed.shape)).clip(0, 255).astype(np.uint8)


def test_iteration_finds_the_covariances_own_components(monkeypatch):
    images = pictures(500, 20)  # 1,200 values
    mean, iterated = principal.main_components(images, 6)
    monkeypatch.setattr(principal, "_EXACT", 2000)
    exact_mean, exact = principal.main_components(images, 6)
    np.testing.assert_allclose(mean, exact_mean, atol=1e-5)
    np.testing.assert_allclose(iterated.T @ iterated, np.eye(6), atol=1e-5)
    rows = principal.as_rows(images) - mean
    # The same share of the variance, direction by direction; their signs are free.
    np.testing.assert_allclose((rows @ iterated).var(0), (rows @ exact).var(0), rtol=1e-3)
    np.testing.assert_allclose(np.abs((iterated * exact).sum(0)), 1, atol=1e-2)


def test_fewer_images_than_components():
    images = pictures(30, 64)
    memory = TrainMemory.of(images, 64)
    assert memory.components.shape[0] == 64 * 64 * 3
    assert memory.components.shape[1] <= 30
    distances, places = memory.nearest(images)
    assert places.tolist() == list(range(30))
    np.testing.assert_array_equal(distances, 0)
    assert memory.nearest(images[:0])[1].shape == (0,)
