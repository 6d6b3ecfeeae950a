from components.gate.calibration.record import Calibration, Response
from components.gate.verdict.power import without_power
from components.gate.verdict.sharpness import measure_sharpness
from components.gate.verdict.verdict import Check


def check(metric, limit, kind="max", value=0.0, **more):
    return Check(metric=metric, slice=more.pop("slice", ""), value=value, limit=limit, kind=kind, passed=True, **more)


def calibration(*responses):
    return Calibration(
        images=10_000,
        classes=10,
        closeness=0.3,
        typical={"pixel_shift": 0.0},
        noise={"pixel_shift": 0.04},
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


def test_with_few_images_noise_alone_reaches_a_limit():
    checks = [check("pixel_shift", 0.2)]
    assert without_power(checks, {}, 10_000, calibration()) == []
    assert without_power(checks, {}, 500, calibration()) == []
    assert without_power(checks, {}, 300, calibration()) == ["pixel_shift"]


def test_sharpness_is_the_mildest_strength_that_is_refused():
    known = calibration(response(1.0, 0.1), response(2.0, 0.3, must=True), response(4.0, 3.0))
    (found,) = measure_sharpness(known, [check("pixel_shift", 0.2), check("recall", 0.5, "min")])
    assert (found.refused_from, found.must_from, found.seen_by) == (2.0, 2.0, ["pixel_shift"])
    (missed,) = measure_sharpness(known, [check("recall", 0.5, "min"), check("pixel_shift", 0.0, slice="owl")])
    assert (missed.refused_from, missed.seen_by) == (None, [])
