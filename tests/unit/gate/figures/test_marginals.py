"""What every image shares: each of pixel and frequency by itself, against numpy."""

import numpy as np
import pytest

from components.gate.figures.marginals import (
    Marginals,
    contrast,
    largest_mean_shift,
    largest_spread_shift,
    log_powers,
    pixel_values,
)

BOARD = (np.indices((16, 16)).sum(0) % 2)[np.newaxis, :, :, np.newaxis]


def pictures(seed, count=400, size=16):
    """Smooth random images with a border that is black in all of them."""
    rng = np.random.default_rng(seed)
    images = np.zeros((count, size, size, 1), np.uint8)
    coarse = rng.integers(0, 256, (count, size // 4, size // 4, 1))
    images[:, 2:-2, 2:-2] = np.repeat(np.repeat(coarse, 4, 1), 4, 2)[:, 2:-2, 2:-2]
    return images


def shifts(images, reference):
    pixels, known = Marginals.of(pixel_values(images)), Marginals.of(pixel_values(reference))
    powers, known_powers = Marginals.of(log_powers(images)), Marginals.of(log_powers(reference))
    least = contrast(known)
    return (
        largest_mean_shift(pixels, known, least),
        largest_spread_shift(pixels, known, least),
        largest_mean_shift(powers, known_powers, 1e-3),
    )


def test_sums_merge_to_mean_and_variance():
    values = np.random.default_rng(0).normal(3, 2, (100, 5)).astype(np.float32)
    merged = Marginals.of(values[:30]) + Marginals.of(values[30:])
    mean, variance = merged.mean_and_variance()
    np.testing.assert_allclose(mean, values.mean(0), rtol=1e-5)
    np.testing.assert_allclose(variance, values.var(0), rtol=1e-4)
    assert (merged - Marginals.of(values[30:])).count == 30
    assert np.isnan(Marginals.nothing(5).mean_and_variance()).all()


def test_the_power_of_a_checkerboard_is_in_one_coefficient():
    board = (np.indices((8, 8)).sum(0) % 2 * 2 - 1)[np.newaxis, :, :, np.newaxis]
    powers = log_powers((128 + 16 * board).astype(np.uint8)).reshape(8, 5)
    assert powers[4, 4] == pytest.approx(np.log(16**2 * 64 + 1 / 12), rel=1e-5)
    assert (np.delete(powers.ravel(), [0, 4 * 5 + 4]) < 0).all()


def test_the_same_distribution_hardly_shifts():
    assert max(shifts(pictures(1, 4000), pictures(2, 4000))) < 0.2


@pytest.mark.parametrize(
    ("change", "seen"),
    [
        (lambda images: images + 0 * images, ()),
        (lambda images: np.where(np.arange(16)[:, None, None] == 0, 255, images).astype(np.uint8), (0,)),
        (
            lambda images: np.clip(images + 16.0 * (np.indices((16, 16)).sum(0) % 2)[None, :, :, None], 0, 255).astype(np.uint8),
            (2,),
        ),
        (
            lambda images: np.clip(images + np.random.default_rng(0).normal(0, 20, images.shape), 0, 255).astype(np.uint8),
            (1, 2),
        ),
    ],
    ids=["nothing", "a white row", "a checkerboard", "noise"],
)
def test_what_is_added_to_every_image_is_seen(change, seen):
    honest, found = shifts(pictures(1), pictures(2)), shifts(change(pictures(1)), pictures(2))
    for place in seen:
        assert found[place] > 3 * honest[place], (place, found, honest)
    if not seen:
        assert found == honest
