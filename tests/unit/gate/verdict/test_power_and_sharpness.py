from components.gate.calibration.record import Calibration, Response
from components.gate.verdict.power import without_power, without_power_to_compare
from components.gate.verdict.sharpness import measure_sharpness
from components.gate.verdict.verdict import Check


def check(metric, limit, kind="max", value=0.0, **more):
    return Check(metric=metric, slice=more.pop("slice", ""), value=value, limit=limit, kind=kind, passed=True, **more)


def calibration(*responses):
    return Calibration(
        images=10_000,
        classes=10,
        closeness=0.3,
        typical={"pixel_shift": 0.0, "label_error": 0.005, "class_shortfall": 0.01},
        noise={"pixel_shift": 0.04, "label_error": 0.007, "class_shortfall": 0.08},
        class_noise={},
        responses=list(responses),
    )


def response(strength, value, *, must=False, fault="blurred"):
    return Response(
        fault=fault, unit="pixels", strength=strength, must=must, seen_by=(), figures={"pixel_shift": value, "recall": 0.9}
    )


def test_a_wide_interval_can_not_bless():
    assert without_power([check("frechet_ratio", 2.0)], {"frechet_error": 0.6}, 10_000, None) == ["frechet_ratio"]
    assert without_power([check("frechet_ratio", 2.0)], {"frechet_error": 0.4}, 10_000, None) == []
    assert without_power([check("frechet_ratio", 2.0, slice="owl")], {"frechet_error": 9.0}, 10_000, None) == []


def test_that_holds_for_every_frechet_ratio():
    """With few images a distance's extrapolation may even be below nought, which is below any limit."""
    for kind in ("second", "train", "second_train"):
        checks = [check(f"{kind}_frechet_ratio", 3.0, value=-0.4)]
        assert without_power(checks, {f"{kind}_frechet_error": 1.1}, 300, None) == [f"{kind}_frechet_ratio"]
        assert without_power(checks, {f"{kind}_frechet_error": 0.9}, 300, None) == []


def test_with_few_images_noise_alone_reaches_a_limit():
    checks = [check("pixel_shift", 0.2)]
    assert without_power(checks, {}, 10_000, calibration()) == []
    assert without_power(checks, {}, 500, calibration()) == []
    assert without_power(checks, {}, 300, calibration()) == ["pixel_shift"]


def test_with_few_images_noise_alone_reaches_a_lower_limit():
    """Label agreement and the smallest class's share fall with what is wrong."""
    checks = [check("label_agreement", 0.99, "min"), check("smallest_class_share", 0.07, "min")]
    assert without_power(checks, {}, 5_000, calibration()) == []
    assert without_power(checks, {}, 1_500, calibration()) == ["label_agreement"]
    assert without_power(checks, {}, 300, calibration()) == ["label_agreement", "smallest_class_share"]


def test_a_comparison_whose_noise_hides_half_of_the_distance_can_not_bless():
    changes = [check("frechet_ratio", 0.7, "change", baseline=1.3), check("second_frechet_ratio", 0.6, "change", baseline=1.3)]
    assert without_power_to_compare(changes, 0.1) == ["frechet_ratio beside the served one"]
    assert without_power_to_compare(changes, 0.6) == []  # the user's own room, not noise
    first = check("frechet_ratio", 0.7, "change", ignored=True)
    assert without_power_to_compare([first, check("recall", -0.1, "change", baseline=0.9)], 0.1) == []


def test_sharpness_is_the_mildest_strength_that_is_refused():
    known = calibration(response(1.0, 0.1), response(2.0, 0.3, must=True), response(4.0, 3.0))
    (found,) = measure_sharpness(known, [check("pixel_shift", 0.2), check("recall", 0.5, "min")])
    assert (found.refused_from, found.must_from, found.seen_by) == (2.0, 2.0, ["pixel_shift"])
    (missed,) = measure_sharpness(known, [check("recall", 0.5, "min"), check("pixel_shift", 0.0, slice="owl")])
    assert (missed.refused_from, missed.seen_by) == (None, [])
