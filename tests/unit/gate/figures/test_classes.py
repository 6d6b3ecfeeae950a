"""Class shares and variety within classes."""

import numpy as np
import pytest

from components.gate.figures.classes import ClassSums, class_shares, diversity_ratio, smallest_share


def test_class_shares_are_relative_to_the_real_labels():
    shares = class_shares(np.array([10, 30, 60]), np.array([10, 30, 60]))
    np.testing.assert_allclose(shares, 1 / 3)
    np.testing.assert_allclose(class_shares(np.array([50, 50]), np.array([100, 0])), [1.0, 0.0])
    assert np.isnan(class_shares(np.array([5, 0]), np.array([5, 1]))).tolist() == [False, True]


def test_a_class_that_has_no_real_images_is_not_the_smallest():
    assert smallest_share(class_shares(np.array([10, 0, 10]), np.array([12, 3, 5]))) == pytest.approx(5 / 10 / 3)
    assert np.isnan(smallest_share(np.full(3, np.nan)))


def by_definition(features: np.ndarray, labels: np.ndarray) -> float:
    """Half the mean squared distance of two images of one class, the classes weighted by their rows less one."""
    total, weight = 0.0, 0
    for label in np.unique(labels):
        rows = features[labels == label]
        distances = ((rows[:, None] - rows[None]) ** 2).sum(-1)
        total += distances.sum() / 2 / len(rows)
        weight += len(rows) - 1
    return total / weight


def test_diversity_is_that_of_pairwise_distances():
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], [20, 30, 40])
    real, fake = rng.normal(size=(90, 5)) + labels[:, None], rng.normal(size=(90, 5)) * 0.7
    found = diversity_ratio(ClassSums.of(fake, labels, 4), ClassSums.of(real, labels, 4))
    assert found == pytest.approx(by_definition(fake, labels) / by_definition(real, labels))


def test_sums_of_classes_merge():
    rng = np.random.default_rng(0)
    rows, labels = rng.normal(size=(50, 3)), rng.integers(0, 4, 50)
    merged = ClassSums.of(rows[:7], labels[:7], 4) + ClassSums.of(rows[7:], labels[7:], 4)
    assert merged.spread() == pytest.approx(ClassSums.of(rows, labels, 4).spread())


def test_one_image_a_class_has_no_diversity_and_too_few_images_no_number():
    labels = np.repeat([0, 1], 10)
    rows = np.random.default_rng(0).normal(size=(20, 3))
    one = np.repeat(rows[[0, 10]], 10, axis=0)
    assert diversity_ratio(ClassSums.of(one, labels, 2), ClassSums.of(rows, labels, 2)) == pytest.approx(0, abs=1e-12)
    alone = ClassSums.of(rows[:2], np.array([0, 1]), 2)
    assert np.isnan(diversity_ratio(alone, alone))
