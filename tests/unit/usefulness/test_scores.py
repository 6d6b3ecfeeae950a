"""Ratios, intervals and limits against what is known of them."""

import numpy as np
import pytest

from components.usefulness.scores import accuracy_by_class, error_ratio, standard_error


def right(errors, count=1000, first=0):
    found = np.ones(count, bool)
    found[first : first + errors] = False
    return found


def test_the_ratio_is_that_of_the_errors():
    ratio, (low, high) = error_ratio(right(40), right(20, first=30), 0)
    assert ratio == 2.0
    assert low < 2.0 < high


def test_errors_on_the_same_images_leave_less_doubt():
    _, paired = error_ratio(right(40), right(20), 0)
    _, apart = error_ratio(right(40), right(20, first=500), 0)
    assert paired[1] - paired[0] < apart[1] - apart[0]


def test_the_interval_holds_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(0)
    held = 0
    for _ in range(200):
        hard = rng.random(2000) < 0.03  # images that both find hard
        ours, theirs = (~(hard & (rng.random(2000) < 0.8)) & (rng.random(2000) > share) for share in (0.04, 0.01))
        low, high = error_ratio(ours, theirs, 0)[1]
        truth = (1 - (1 - 0.03 * 0.8) * 0.96) / (1 - (1 - 0.03 * 0.8) * 0.99)
        held += low <= truth <= high
    assert 180 <= held <= 198


def test_beside_a_classifier_that_never_errs_each_has_half_an_error_more():
    ratio, (low, high) = error_ratio(right(3), right(0), 0)
    assert ratio == 7.0
    assert np.isfinite([low, high]).all()
    assert error_ratio(right(0), right(0), 0)[0] == 1.0


def test_accuracy_by_class():
    labels = np.array([0, 0, 0, 2])
    assert accuracy_by_class(np.array([True, True, False, True]), labels, 3) == [pytest.approx(2 / 3), None, 1.0]


def test_the_standard_error_is_the_binomial_one():
    rng = np.random.default_rng(0)
    assert standard_error(0.7, 500) == pytest.approx(rng.binomial(500, 0.7, 20_000).std() / 500, rel=0.05)
