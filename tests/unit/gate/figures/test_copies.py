"""Near copies: what a shift, a turn or a little noise can't hide, and what is no copy."""

import numpy as np
import pytest
from scipy import ndimage

from components.gate.figures.copies import CopyIndex
from tests.support.gate_builders import digits


@pytest.fixture(scope="module")
def index(mnist):
    return CopyIndex(digits(mnist.directory, "train[:3000]")[0])


@pytest.fixture(scope="module")
def bound(index, mnist):
    """What 1 % of real images that aren't in the index are closer than."""
    return np.quantile(index.closeness(digits(mnist.directory, "test[:1000]")[0]), 0.01)


def disguised(name, images):
    rng = np.random.default_rng(0)
    if name == "shifted":
        return np.roll(images, (1, -1), (1, 2))
    if name == "turned":
        return ndimage.rotate(images, 4, axes=(1, 2), reshape=False, order=1)
    if name == "noisy":
        return np.clip(images + rng.normal(0, 8, images.shape), 0, 255).astype(np.uint8)
    return images


@pytest.mark.parametrize(("name", "least"), [("", 1.0), ("shifted", 0.95), ("turned", 0.8), ("noisy", 0.9)])
def test_a_copy_is_found_whatever_it_is_disguised_as(index, bound, mnist, name, least):
    copies = disguised(name, digits(mnist.directory, "train[:3000]")[0][:150])
    assert (index.closeness(copies) <= bound).mean() >= least


def test_an_unseen_image_is_no_copy(index, bound, mnist):
    assert (index.closeness(digits(mnist.directory, "test[1000:4000]")[0][:500]) <= bound).mean() < 0.04


def test_any_shape_and_any_number(index):
    rng = np.random.default_rng(0)
    colour = rng.integers(0, 256, (12, 20, 20, 3)).astype(np.uint8)
    small = CopyIndex(colour)
    assert small.closeness(colour) == pytest.approx(np.zeros(12), abs=0.02)
    assert small.closeness(rng.integers(0, 256, (5, 20, 20, 3)).astype(np.uint8)).min() > 0.3
    assert index.closeness(np.zeros((0, 28, 28, 1), np.uint8)).shape == (0,)
