"""Limits follow from real against real and the mildest fault that a figure can see."""

import pytest

from components.gate.calibration.record import Calibration, Response
from serving.repository.errors import UserError


def response(value, *, must=True, seen_by=("pixel_shift",), figure="pixel_shift"):
    return Response(fault="f", unit="u", strength=1.0, must=must, seen_by=seen_by, figures={figure: value})


def calibration(*responses, noise=0.01):
    return Calibration(
        images=10_000,
        classes=10,
        closeness=0.3,
        typical={"pixel_shift": 0.005, "label_error": 0.01, "class_shortfall": 0.02},
        noise={"pixel_shift": noise, "label_error": 0.012, "class_shortfall": 0.03},
        class_noise={"pixel_shift": 0.1},
        responses=list(responses),
    )


def test_a_limit_lies_between_noise_and_the_mildest_fault():
    found = calibration(response(100.0), response(1.0), response(0.5, must=False))
    assert found.limit("pixel_shift") == pytest.approx(0.01**0.25 * 1.0**0.75)
    assert found.limit("pixel_shift", of_class=True) == 1.0


def test_a_fault_that_is_another_figures_to_see_sets_no_limit():
    assert calibration(response(1.0), response(0.02, seen_by=("style_gap",))).limit("pixel_shift") == pytest.approx(0.01**0.25)


def test_a_figure_without_power_has_no_limit():
    assert calibration(response(0.012)).limit("pixel_shift") is None
    assert calibration(response(None)).limit("pixel_shift") is None
    assert calibration().limit("pixel_shift") is None
    assert calibration(response(1.0)).limit("unknown") is None
    # A fault that is too faint for this figure leaves the limit to those that it can see.
    assert calibration(response(0.012), response(1.0)).limit("pixel_shift") == pytest.approx(0.01**0.25)


def test_noise_grows_as_images_get_fewer():
    assert calibration().noise_of("pixel_shift", 100) == pytest.approx(0.005 + 0.005 * 10)
    assert calibration().noise_of("frechet_ratio", 100) is None


def test_a_class_of_fewer_images_may_lose_a_figures_power():
    """By the rule that a calibration with that number would follow."""
    found = calibration(response(0.2))
    assert found.limit("pixel_shift", of_class=True, images=10_000) == found.limit("pixel_shift", of_class=True) == 0.2
    assert found.limit("pixel_shift", of_class=True, images=20_000) == 0.2
    assert found.limit("pixel_shift", of_class=True, images=5000) is None  # noise 0.139, of which a half more is needed
    assert found.limit("pixel_shift", images=5000) == found.limit("pixel_shift")


def test_typical_values_go_by_the_metrics_names():
    assert calibration().typical_of_metrics() == {
        "pixel_shift": 0.005,
        "label_agreement": 0.99,
        "smallest_class_share": pytest.approx(0.098),
    }


def test_it_comes_back_as_it_was_saved(tmp_path):
    found = calibration(response(1.0))
    found.save(tmp_path)
    assert Calibration.load(tmp_path) == found
    (tmp_path / "calibration.json").write_text("{}")
    with pytest.raises(UserError, match="no usable calibration"):
        Calibration.load(tmp_path)


def test_what_is_half_by_chance_is_measured_from_there():
    """A tenth of the held-out images moves the share from .48 to .52: little as a ratio, much beside its noise."""
    leaked = response(0.52, seen_by=("leaked_share",), figure="leaked_share")
    found = calibration(leaked).model_copy(update={"typical": {"leaked_share": 0.48}, "noise": {"leaked_share": 0.49}})
    assert found.limit("leaked_share") == pytest.approx(0.48 + 0.01**0.25 * 0.04**0.75)
    faint = response(0.494, seen_by=("leaked_share",), figure="leaked_share")
    assert found.model_copy(update={"responses": [faint]}).limit("leaked_share") is None
