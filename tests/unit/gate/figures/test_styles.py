"""Missing styles: the figure is nothing for equal shares at any number of images, and tells how much is missing."""

import numpy as np
import pytest

from components.gate.figures.styles import count_styles, fit_styles, style_gap, styles_of


def codes_of(seed, count=6000):
    """Two classes with four clear styles each: codes [N, 2] and labels [N]."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 2
    corners = np.array([[-5, -5], [-5, 5], [5, -5], [5, 5]])[rng.integers(0, 4, count)]
    return (corners + rng.normal(0, 1, (count, 2)) + labels[:, None] * 40).astype(np.float32), labels


@pytest.fixture(scope="module")
def known():
    codes, labels = codes_of(0)
    centres = fit_styles(codes, labels, 2)
    return centres, count_styles(codes, labels, centres)


def test_each_image_is_in_the_nearest_bin_of_its_class(known):
    centres, _ = known
    codes, labels = codes_of(1, 50)
    for code, label, found in zip(codes, labels, styles_of(codes, labels, centres), strict=True):
        assert found == np.nansum((centres[label] - code) ** 2, axis=1).argmin()


@pytest.mark.parametrize("count", [200, 1000, 20_000])
def test_equal_shares_have_no_gap_at_any_number(known, count):
    centres, counts = known
    gaps = [style_gap(count_styles(*codes_of(seed, count), centres), counts) for seed in range(1, 13)]
    assert abs(np.mean(gaps)) < 4 * np.std(gaps) / np.sqrt(12)


def test_half_of_the_styles_missing_is_about_one(known):
    centres, counts = known
    codes, labels = codes_of(1, 20_000)
    kept = codes[:, 0] < labels * 40  # two corners of four
    assert style_gap(count_styles(codes[kept], labels[kept], centres), counts) == pytest.approx(1, abs=0.1)


def test_too_few_images_have_no_styles():
    centres = fit_styles(*codes_of(0, 20), 2)
    assert np.isnan(centres).all()
    assert (styles_of(*codes_of(1, 10), centres) == -1).all()
    assert np.isnan(style_gap(count_styles(*codes_of(1, 10), centres), count_styles(*codes_of(0, 20), centres)))
