"""Which metric catches what: built generators scored through a real judge."""

import numpy as np
import pytest

from components.gate.scoring import matched_reference, score
from components.judge.features import Judge
from tests.unit.gate.builders import digits, tiny_judge


@pytest.fixture(scope="module")
def case(mnist):
    """Score a function's generated images: it gets unseen real images sorted by label and returns images and labels asked for."""
    judge = Judge(tiny_judge(mnist.directory))
    real, real_labels = digits(mnist.directory, "test[:1000]")
    pool, pool_labels = digits(mnist.directory, "test[1000:4000]")
    chosen = matched_reference(pool_labels, np.bincount(real_labels))
    rest = np.setdiff1d(np.arange(len(pool)), chosen)
    reference = judge.features(pool[rest])[0], pool_labels[rest]
    real_features = judge.features(real)[0]

    def run(make, **options):
        images, labels = make(pool[chosen], pool_labels[chosen])
        features, probabilities = judge.features(images)
        return score(real_features, real_labels, features, probabilities.argmax(1), labels, *reference, **options)

    return run


def test_real_against_real(case):
    figures = case(lambda images, labels: (images, labels))
    assert 0.5 < figures["frechet_ratio"] < 2
    assert min(figures["precision"], figures["recall"], figures["coverage"]) > 0.7
    assert figures["density"] == pytest.approx(1, abs=0.2)
    assert figures["label_agreement"] > 0.9
    assert figures["smallest_class_share"] > 0.08
    assert len(figures["per_class"]) == 10
    assert all(0.2 < of_class["frechet_ratio"] < 4 for of_class in figures["per_class"].values())


def test_one_image_a_class(case):
    def collapsed(images, labels):
        return images[np.searchsorted(labels, labels)], labels

    figures = case(collapsed)
    assert figures["recall"] < 0.1
    assert figures["coverage"] < 0.3
    assert figures["frechet_ratio"] > 5
    assert max(of_class["recall"] for of_class in figures["per_class"].values()) < 0.1


def test_one_class_collapsed_shows_in_that_class(case):
    def collapsed(images, labels):
        images = images.copy()
        images[labels == 4] = images[labels == 4][:1]
        return images, labels

    figures = case(collapsed)
    assert figures["per_class"][4]["recall"] < 0.1
    assert figures["per_class"][5]["recall"] > 0.5
    assert figures["recall"] > 0.5


def test_a_missing_class(case):
    figures = case(lambda images, labels: (np.where((labels == 3)[:, None, None, None], images[labels == 8][:1], images), labels))
    assert figures["smallest_class_share"] < 0.05
    assert figures["class_share"][3] == figures["smallest_class_share"]


def test_shuffled_labels(case):
    figures = case(lambda images, labels: (np.random.default_rng(0).permutation(images), labels))
    assert figures["label_agreement"] < 0.3
    assert figures["frechet_ratio"] < 2
    assert min(of_class["frechet_ratio"] for of_class in figures["per_class"].values()) > 2


def test_noise(case):
    def noise(images, labels):
        return np.random.default_rng(0).integers(0, 256, images.shape).astype(np.uint8), labels

    figures = case(noise)
    assert figures["precision"] < 0.1
    assert figures["frechet_ratio"] > 10


def test_a_generator_without_classes(case):
    figures = case(lambda images, labels: (images, np.full_like(labels, -1)))
    assert np.isnan(figures["label_agreement"])
    assert figures["smallest_class_share"] > 0.08
    assert figures["per_class"] == {}
    assert "per_class" not in case(lambda images, labels: (images, labels), per_class=False)
