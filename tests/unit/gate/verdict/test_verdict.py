import math

import pytest
from pydantic import ValidationError

from components.gate.calibration.record import Calibration
from components.gate.combiners.changes import SETBACKS
from components.gate.settings import GateSettings
from components.gate.tfma.eval_config import bind, make_eval_config, metric_options
from components.gate.verdict.conclude import judge_figures
from components.gate.verdict.verdict import Check, Verdict, causes_of, finite, reason_of

NAMES = ["cat", "dog", "owl", "fox"]
LIMITS = [name for name in GateSettings.model_fields if name.startswith(("max_", "min_")) and name != "max_examples"]
UNGATED = GateSettings(**dict.fromkeys(LIMITS))


# Nothing is known of these data, so that nothing is gated by a calibration.
OPEN = Calibration(images=10_000, classes=4, closeness=0.3, typical={}, noise={}, class_noise={}, responses=[])


@pytest.fixture
def calibration(tmp_path):
    OPEN.save(tmp_path)
    return str(tmp_path)


def check(metric, value=0.1, limit=0.5, kind="min", passed=False, **more):
    return Check(metric=metric, slice=more.pop("slice", ""), value=value, limit=limit, kind=kind, passed=passed, **more)


@pytest.mark.parametrize(
    ("failed", "causes"),
    [
        (["recall"], ["mode collapse"]),
        (["coverage", "smallest_class_share"], ["mode collapse"]),
        (["label_agreement"], ["label confusion"]),
        (["precision", "recall"], ["low fidelity", "mode collapse"]),
        (["frechet_ratio"], ["far from real images"]),
        (["frechet_ratio", "recall"], ["mode collapse"]),
        (["recall", "faulty_draws"], ["faulty generator"]),
        ([], []),
    ],
)
def test_causes(failed, causes):
    assert causes_of([check(metric) for metric in failed] + [check("precision", 0.9, passed=True)]) == causes


def test_a_failed_change_is_a_cause_of_its_own():
    checks = [check("recall", -0.3, -0.1, "change", baseline=0.8)]
    assert causes_of(checks) == ["worse than what is served"]
    assert reason_of(checks, causes_of(checks), {}) == "worse than what is served: recall changed by -0.3 from 0.8 (limit -0.1)"


def test_the_reason_names_metric_value_and_limit():
    checks = [check("recall", 0.1, 0.5), check("frechet_ratio", 30.0, 10.0, "max", slice="owl"), check("precision", None)]
    assert reason_of(checks, ["mode collapse"], {}) == (
        "mode collapse: recall 0.1 is below 0.5; frechet_ratio of class owl 30 is above 10; precision is not a finite number"
    )
    assert reason_of([*checks, check("coverage")], ["mode collapse"], {}).endswith("and 1 more")
    passed = [check("recall", 0.9, passed=True), check("recall", None, kind="change", passed=True, ignored=True)]
    assert reason_of(passed, [], {"recall": 0.9, "frechet_ratio": None}) == "all 1 checks passed (recall 0.9)"


def test_a_verdict_comes_back_as_it_was_saved(tmp_path):
    verdict = Verdict(
        blessed=False,
        reason="because",
        checks=[check("recall", None)],
        figures={"recall": None, "precision": 0.25},
    )
    verdict.save(tmp_path / "evaluation")
    assert Verdict.load(tmp_path / "evaluation") == Verdict.load(tmp_path / "evaluation" / "verdict.json") == verdict


def test_finite():
    assert finite(0.0) == 0.0
    assert [finite(value) for value in (None, math.nan, math.inf, -math.inf)] == [None] * 4


def thresholds(config):
    return {
        (metric, tuple(entry.slicing_specs[0].feature_keys)): entry.threshold
        for spec in config.metrics_specs
        for metric, of_metric in spec.per_slice_thresholds.items()
        for entry in of_metric.thresholds
        if not entry.threshold.HasField("change_threshold")
    }


def test_thresholds_follow_the_settings():
    config = make_eval_config(
        UNGATED.model_copy(update={"max_class_frechet_ratio": 7.0, "min_class_share": 0.5}), "mnist", NAMES, "h"
    )
    found = thresholds(config)
    assert set(found) == {("frechet_ratio", ("label",)), ("smallest_class_share", ()), ("faulty_draws", ())}
    assert found["frechet_ratio", ("label",)].value_threshold.upper_bound.value == 7.0
    # Half of an even share among four classes.
    assert found["smallest_class_share", ()].value_threshold.lower_bound.value == 0.125
    assert metric_options(config)["code_hash"] == "h"


def test_no_setting_no_threshold():
    assert thresholds(make_eval_config(UNGATED, "mnist", NAMES, "h")) == {}


def test_a_generator_without_classes_is_not_gated_by_class(calibration):
    config = make_eval_config(GateSettings(), "mnist", NAMES, "h")
    bind(config, "/judge", calibration, (64, 32), 20_000, accuracy=0.99, conditional=False, compared=False)
    assert {metric for metric, _ in thresholds(config)} == {
        *("frechet_ratio", "second_frechet_ratio", "precision", "recall", "coverage", "diversity"),
        *("memorisation", "faulty_draws"),
    }
    assert all(place == () for _, place in thresholds(config))
    known = {"judge": "/judge", "feature_size": 64, "second_size": 32, "fraction": 0.5}
    assert metric_options(config) | known == metric_options(config)


@pytest.mark.parametrize(("limit", "compared", "gated"), [(0.1, True, True), (0.1, False, False), (None, True, False)])
def test_setbacks_are_gated_where_there_is_something_to_compare_with(calibration, limit, compared, gated):
    config = make_eval_config(GateSettings(max_frechet_increase=limit), "mnist", NAMES, "h")
    bind(config, "/judge", calibration, (64, 32), 10_000, accuracy=0.99, conditional=True, compared=compared)
    assert all(((name, ()) in thresholds(config)) == gated for name in SETBACKS)


# What intervals are made of.
ERRORS = {
    "frechet_ratio": 2.0,
    "frechet_error": 0.5,
    **{f"{kind}frechet_{what}": 1.0 for kind in ("train_", "second_", "second_train_") for what in ("ratio", "error")},
    "kid": 10.0,
    "kid_error": 1.0,
    "label_agreement": 0.95,
}


def judged(config, **overall):
    """Judge figures of 500 images of each class in which all is well but what is named."""
    fine = {
        **ERRORS,
        "examples": 500.0,
        "recall": 0.9,
        "faulty_draws": 0.0,
        "fault": 0.0,
        "class_share": 0.25,
        "smallest_class_share": 0.25,
    }
    figures = {"": fine | overall, **{str(label): dict(fine) for label in range(len(NAMES))}}
    return judge_figures(config, figures, NAMES, OPEN, options=metric_options(config), conditional=True)


def test_figures_are_judged_by_thresholds(calibration):
    config = make_eval_config(UNGATED.model_copy(update={"min_recall": 0.5}), "mnist", NAMES, "h")
    bind(config, "/judge", calibration, (64, 32), 10_000, accuracy=0.99, conditional=True, compared=False)
    assert judged(config).blessed
    for bad in (0.4, math.nan, None):
        verdict = judged(config, recall=bad)
        assert not verdict.blessed
        assert verdict.causes == ["mode collapse"]
    assert judged(config).intervals["frechet_ratio"] == pytest.approx((2 - 1.96 * 0.5, 2 + 1.96 * 0.5))
    few = judged(config, examples=99.0)
    assert not few.blessed
    assert few.reason == "99 examples are too few to judge by: at least 100 are needed"


def test_a_refusal_of_few_images_says_what_helps(calibration):
    advice = "; 200 images to judge by are few, and from few a generator copies or collapses: more images help most"
    config = make_eval_config(UNGATED.model_copy(update={"max_memorisation": 0.75}), "mnist", NAMES, "h")
    bind(config, "/judge", calibration, (64, 32), 10_000, accuracy=0.99, conditional=True, compared=False)
    copier = judged(config, examples=200.0, memorisation=0.98)
    assert copier.reason == f"memorisation: memorisation 0.98 is above 0.75{advice}"
    assert advice not in judged(config, memorisation=0.98).reason  # of many images
    assert "few" not in judged(config, examples=200.0, memorisation=0.5).reason  # and of a blessing


def test_label_agreement_is_measured_by_what_the_judge_reaches_on_real_images(calibration):
    config = make_eval_config(UNGATED.model_copy(update={"min_label_agreement": 0.95}), "mnist", NAMES, "h")
    bind(config, "/judge", calibration, (64, 32), 10_000, accuracy=0.9, conditional=True, compared=False)
    assert judged(config, label_agreement=0.86).blessed
    refused = judged(config, label_agreement=0.85)
    assert refused.causes == ["label confusion"]
    (failed,) = [check for check in refused.checks if not check.passed]
    assert failed.limit == pytest.approx(0.855)


def test_an_empty_class_is_named(calibration):
    config = make_eval_config(UNGATED.model_copy(update={"min_class_share": 0.5}), "mnist", NAMES, "h")
    bind(config, "/judge", calibration, (64, 32), 10_000, accuracy=0.99, conditional=True, compared=False)
    figures = {
        "": {**ERRORS, "examples": 500.0, "smallest_class_share": math.nan},
        "0": {"class_share": 0.3},
        "1": {"class_share": 0.3},
    }
    figures |= {"2": {"class_share": math.nan}, "3": {"class_share": 0.3}}
    verdict = judge_figures(config, figures, NAMES, OPEN, options=metric_options(config), conditional=True)
    assert not verdict.blessed
    assert verdict.reason == "there is no example of class owl to judge by: check the evaluation split"


def test_settings_are_checked():
    with pytest.raises(ValidationError):
        GateSettings(min_recall=1.5)
    with pytest.raises(ValidationError):
        GateSettings(min_recal=0.5)
