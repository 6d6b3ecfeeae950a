"""From TFMA's output to the verdict: TFMA's validation decides, this puts it into words and numbers."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.proto import config_pb2

from components.gate.combiners.bounded_sample import FLOOR
from components.gate.combiners.changes import CHANGE_FIGURES
from components.gate.combiners.scoring import OVERALL, Figures
from components.gate.combiners.sums import CLASS_SHARE
from components.gate.drawing.draw import Fault
from components.gate.figures.bootstrap import interval
from components.gate.tfma.eval_config import SETBACKS, metric_options
from components.gate.verdict.verdict import Check, Verdict, causes_of, finite, reason_of
from components.transform.pixels import LABEL_KEY

LEAST_EXAMPLES = 100  # real images; with fewer no figure means anything
# What equal distributions give by definition.
_KNOWN_FLOORS = {"frechet_ratio": 1.0, "second_frechet_ratio": 1.0, "kid": 0.0, "diversity": 1.0, "memorisation": 0.5}


def read_verdict(
    output: str, eval_config: config_pb2.EvalConfig, class_names: list[str], conditional: bool, has_baseline: bool
) -> Verdict:
    """Read what an evaluation found.

    Args:
        output: The evaluation's directory.
        eval_config: The configuration that was evaluated.
        class_names: Names by label.
        conditional: Whether the generator has classes.
        has_baseline: Whether there was a baseline to compare with.

    Returns:
        The verdict, blessed exactly if TFMA's validation is content and there is a threshold at all.
    """
    candidate, baseline, differences = _read_figures(output)
    verdict = judge_figures(eval_config, candidate, class_names, conditional=conditional)
    if verdict.examples == 0:
        return verdict
    verdict.checks += _change_checks(eval_config, candidate, baseline, differences, has_baseline)
    validation = tfma.load_validation_result(output)
    _agree(verdict.checks, validation, class_names)
    _conclude(verdict, candidate)
    # Too few examples are refused here alone: TFMA has no threshold for what it isn't given.
    if verdict.blessed and not validation.validation_ok:
        raise RuntimeError("the checks bless but TFMA's validation does not")
    if has_baseline:
        verdict.baseline_figures = shown_figures(baseline[OVERALL])[0]
        verdict.baseline_per_class = _per_class(baseline, conditional, len(class_names))
        verdict.change_intervals = _change_intervals(candidate[OVERALL], baseline[OVERALL])
    return verdict


def judge_figures(eval_config: config_pb2.EvalConfig, figures: Figures, class_names: list[str], *, conditional: bool) -> Verdict:
    """Judge figures by the thresholds that need nothing to compare with.

    Args:
        eval_config: Configuration after `bind`.
        figures: Of the candidate.
        class_names: Names by label.
        conditional: Whether the generator has classes.
    """
    overall, floors = shown_figures(figures[OVERALL])
    verdict = Verdict(
        blessed=False,
        reason="",
        figures=overall,
        floor_figures=floors,
        per_class=_per_class(figures, conditional, len(class_names)),
        class_names=class_names,
        conditional=conditional,
        examples=int(figures[OVERALL].get("examples", 0)),
        checks=value_checks(eval_config, figures, class_names),
    )
    if verdict.examples:
        verdict.intervals = _intervals(figures[OVERALL])
    _conclude(verdict, figures)
    return verdict


def _conclude(verdict: Verdict, figures: Figures) -> None:
    """Say whether the checks bless, and why not."""
    verdict.causes = causes_of(verdict.checks)
    verdict.blessed = bool(verdict.checks) and all(check.passed for check in verdict.checks)
    verdict.reason = reason_of(verdict.checks, verdict.causes, verdict.figures)
    fault = Fault(int(figures[OVERALL].get("fault", 0)))
    absent = [name for label, name in enumerate(verdict.class_names) if math.isnan(_share(figures, label))]
    if fault:
        verdict.reason = fault.text
    elif not verdict.checks:
        verdict.reason = "no threshold is set: nothing is blessed by default"
    elif verdict.examples < LEAST_EXAMPLES:
        verdict.blessed = False
        verdict.reason = f"{verdict.examples} examples are too few to judge by: at least {LEAST_EXAMPLES} are needed"
    elif absent and not verdict.blessed:
        verdict.reason = f"there is no example of class {absent[0]} to judge by: check the evaluation split"


def _share(figures: Figures, label: int) -> float:
    return figures.get(str(label), {}).get(CLASS_SHARE, math.nan)


def _read_figures(output: str) -> tuple[Figures, Figures, Figures]:
    """Read figures of the candidate, of the baseline, and candidate minus baseline."""
    candidate, baseline, differences = defaultdict(dict), defaultdict(dict), defaultdict(dict)
    for metrics in tfma.load_metrics(output):
        place = _place(metrics.slice_key)
        for pair in metrics.metric_keys_and_values:
            key, value = pair.key, pair.value.double_value.value
            into = differences if key.is_diff else baseline if key.model_name == tfma.BASELINE_KEY else candidate
            if key.name != CLASS_SHARE:
                into[place][key.name] = value
            elif place == OVERALL:  # the share of a class follows from all that was drawn, not from what was drawn for it
                into[str(key.sub_key.class_id.value)][key.name] = value
    return candidate, baseline, differences


def _place(slice_key: Any) -> str:
    return str(slice_key.single_slice_keys[0].int64_value) if slice_key.single_slice_keys else OVERALL


def passes(threshold: config_pb2.MetricThreshold, value: float | None) -> bool:
    """Say whether a figure, or the difference of two, is within its threshold; what is no number isn't."""
    if value is None or not math.isfinite(value):
        return False
    if threshold.HasField("change_threshold"):
        return value >= threshold.change_threshold.absolute.value
    kind, limit = _limit(threshold)
    return value <= limit if kind == "max" else value >= limit


def value_checks(eval_config: config_pb2.EvalConfig, figures: Figures, class_names: list[str]) -> list[Check]:
    """Hold every figure that has a limit to it; setbacks and changes are compared elsewhere."""
    checks = []
    for metric, place, threshold in _thresholds(eval_config, figures):
        if threshold.HasField("change_threshold") or metric in SETBACKS:
            continue
        kind, limit = _limit(threshold)
        value = finite(figures[place].get(metric))
        name = class_names[int(place)] if place else OVERALL
        checks.append(Check(metric=metric, slice=name, value=value, limit=limit, kind=kind, passed=passes(threshold, value)))
    return checks


def _change_checks(
    eval_config: config_pb2.EvalConfig, candidate: Figures, baseline: Figures, differences: Figures, has_baseline: bool
) -> list[Check]:
    """Check changes against the baseline; without one they are listed as ignored."""
    ours, theirs, change = candidate[OVERALL], baseline[OVERALL], differences[OVERALL]
    checks = []
    least = metric_options(eval_config)["max_frechet_increase"]
    if least is not None:
        for setback in SETBACKS:
            metric = setback.replace("setback", "ratio")
            served = finite(theirs.get(metric)) if has_baseline else None
            beyond = finite(ours.get(setback)) if has_baseline else None
            increase = finite(ours.get(setback.replace("setback", "increase"))) if has_baseline else None
            known = served is not None and beyond is not None and increase is not None
            # In the ratio's unit; of all draws, so not to the last digit the difference of the two ratios shown elsewhere.
            value, limit = (increase * served, (increase - beyond) * served) if known else (None, least)
            passed = not has_baseline or (beyond is not None and beyond <= 0)
            shown = {"metric": metric, "slice": OVERALL, "value": value, "limit": limit, "kind": "change", "baseline": served}
            checks.append(Check(**shown, passed=passed, ignored=not has_baseline))
    for metric, _, threshold in _thresholds(eval_config, candidate):
        if not threshold.HasField("change_threshold"):
            continue
        value = finite(change.get(metric)) if has_baseline else None
        check = Check(
            metric=metric,
            slice=OVERALL,
            value=value,
            limit=threshold.change_threshold.absolute.value,
            kind="change",
            baseline=finite(theirs.get(metric)) if has_baseline else None,
            passed=not has_baseline or passes(threshold, value),
            ignored=not has_baseline,
        )
        checks.append(check)
    return checks


def _agree(checks: list[Check], validation: Any, class_names: list[str]) -> None:
    """Make sure that TFMA, which blesses, found just the failures that the checks tell of."""
    found = set()
    for of_slice in validation.metric_validations_per_slice:
        place = _place(of_slice.slice_key)
        for failure in of_slice.failures:
            name = failure.metric_key.name
            change = failure.metric_key.is_diff or name in SETBACKS
            metric = name.replace("setback", "ratio") if name in SETBACKS else name
            found.add((class_names[int(place)] if place else OVERALL, metric, change))
    told = {(check.slice, check.metric, check.kind == "change") for check in checks if not check.passed}
    if found != told:
        raise RuntimeError(f"TFMA's validation and the checks disagree: {sorted(found ^ told)}")


def _thresholds(eval_config: config_pb2.EvalConfig, figures: Figures) -> Iterator[tuple[str, str, config_pb2.MetricThreshold]]:
    """List (metric, slice, threshold) for each slice that a threshold applies to."""
    labels = sorted((place for place in figures if place != OVERALL and "examples" in figures[place]), key=int)
    for spec in eval_config.metrics_specs:
        for metric in sorted(spec.per_slice_thresholds):
            for entry in spec.per_slice_thresholds[metric].thresholds:
                per_class = any(LABEL_KEY in slicing.feature_keys for slicing in entry.slicing_specs)
                for place in labels if per_class else [OVERALL]:
                    yield metric, place, entry.threshold


def _limit(threshold: config_pb2.MetricThreshold) -> tuple[str, float]:
    bounds = threshold.value_threshold
    return ("max", bounds.upper_bound.value) if bounds.HasField("upper_bound") else ("min", bounds.lower_bound.value)


def shown_figures(figures: dict[str, float]) -> tuple[dict[str, float | None], dict[str, float | None]]:
    """Part figures from the floors that were computed beside them, and from what only serves the comparison."""
    hidden = ("frechet_error", *CHANGE_FIGURES)
    shown = {name: finite(value) for name, value in figures.items() if not name.startswith(FLOOR) and name not in hidden}
    floors = {name.removeprefix(FLOOR): finite(value) for name, value in figures.items() if name.startswith(FLOOR)}
    return shown, floors | _KNOWN_FLOORS


def _intervals(figures: dict[str, float]) -> dict[str, tuple[float, float]]:
    """95 % intervals from the standard errors that were computed."""
    errors = {
        "frechet_ratio": figures["frechet_error"] / figures["frechet_floor"] if figures["frechet_floor"] > 0 else math.nan,
        "kid": figures["kid_error"],
        "label_agreement": _share_error(figures["label_agreement"], figures["examples"]),
    }
    return {name: interval(figures[name], error) for name, error in errors.items() if math.isfinite(figures[name] + error)}


def _change_intervals(figures: dict[str, float], baseline: dict[str, float]) -> dict[str, tuple[float, float]]:
    served = baseline["frechet_ratio"]
    ratio, error = figures["frechet_increase"] * served, figures["frechet_increase_error"] * served
    return {"frechet_ratio": interval(ratio, error)} if math.isfinite(ratio + error) else {}


def _share_error(share: float, count: float) -> float:
    """Binomial standard error of a share of `count` images."""
    return math.sqrt(share * (1 - share) / count) if count else math.nan


def _per_class(figures: Figures, conditional: bool, classes: int) -> dict[str, dict[str, float | None]]:
    """Figures of each class; of a generator without classes only the share means something."""
    return {
        str(label): {
            name: value
            for name, value in shown_figures(figures.get(str(label), {}))[0].items()
            if conditional or name == CLASS_SHARE
        }
        for label in range(classes)
    }
