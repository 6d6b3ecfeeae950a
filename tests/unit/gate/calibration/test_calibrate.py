"""A calibration on real digits: what must be refused is, and what is real isn't."""

from collections import defaultdict

import numpy as np
import pytest

from components.gate.calibration.calibrate import calibrate
from components.gate.calibration.faults import CATALOGUE, Held
from components.gate.calibration.noise import share_noise
from components.gate.calibration.record import Calibration
from tests.support.gate_builders import digits, save_judge, tiny_judge


@pytest.fixture(scope="module")
def found(mnist, tmp_path_factory):
    home = tmp_path_factory.mktemp("calibration")
    train, unseen = digits(mnist.directory, "train[:3000]"), digits(mnist.directory, "test[:1000]")
    judge = str(save_judge(home / "judge", tiny_judge(mnist.directory), *train))
    calibrated = calibrate(judge, train, unseen, home / "calibration", classes=10, count=1000)
    assert Calibration.load(home / "calibration") == calibrated
    return calibrated


def test_every_fault_that_must_be_refused_is_where_a_figure_has_power(found):
    missed = []
    for response in found.responses:
        limits = {figure: found.limit(figure) for figure in response.seen_by}
        known = {figure: limit for figure, limit in limits.items() if limit is not None}
        if response.must and known and all(response.figures[figure] <= limit for figure, limit in known.items()):
            missed.append((response.fault, known))
    assert missed == []


def test_pixels_frequencies_copies_and_outliers_have_power_even_on_a_thousand_images(found):
    for figure in ("pixel_shift", "spectrum_shift", "outlier_share", "copied_share", "near_copy_share", "duplicate_share"):
        assert found.limit(figure) is not None, figure


def test_real_images_are_within_every_limit(found):
    for figure, noise in found.noise.items():
        limit = found.limit(figure)
        assert limit is None or found.typical[figure] <= noise < limit, figure


def test_what_there_are_too_few_images_for_is_left_out_and_the_rest_can_be_read_again(mnist, tmp_path):
    """No class has the 40 train images that its styles are found from."""
    train, unseen = digits(mnist.directory, "train[:200]"), digits(mnist.directory, "test[:100]")
    judge = str(save_judge(tmp_path / "judge", tiny_judge(mnist.directory), *train))
    calibrated = calibrate(judge, train, unseen, tmp_path / "calibration", classes=10, count=100)
    read = Calibration.load(tmp_path / "calibration")
    assert read == calibrated
    assert "style_gap" not in read.noise | read.typical | read.class_noise
    assert read.limit("style_gap") is None
    assert "pixel_shift" in read.noise


def test_a_stronger_fault_is_seen_no_less(found):
    graded = defaultdict(list)
    for response in found.responses:
        graded[response.fault].append(response)
    for responses in graded.values():
        figure = responses[0].seen_by[0]
        mildest, strongest = responses[0].figures[figure], responses[-1].figures[figure]
        assert strongest >= mildest, (responses[0].fault, figure)


@pytest.mark.parametrize("kind", CATALOGUE, ids=lambda kind: kind.name)
@pytest.mark.parametrize("channels", [1, 3])
def test_every_fault_can_be_made_of_any_images(kind, channels):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (4, 30, 20, 20, channels)).astype(np.uint8)
    labels = np.arange(30) % 3
    held = Held(images[0], labels, np.arange(30) % 5, others=images[1], train=images[2], unseen=images[3])
    made = kind.make(held, kind.refused_from, rng)
    assert (made.dtype, made.shape) == (np.uint8, held.images.shape)
    assert not np.array_equal(made, held.images)
    assert kind.refused_from in kind.strengths


def test_the_noise_of_a_share_is_that_of_two_samples():
    rng = np.random.default_rng(0)
    differences = rng.binomial(2000, 0.01, 20_000) / 2000 - (rng.binomial(2000, 0.01, 20_000) / 2000 - 0.01)
    assert share_noise(0.01, 2000) == pytest.approx(np.quantile(differences, 0.99), rel=0.05)
