"""From TFMA's output to the verdict: TFMA's validation decides, this puts it into words and numbers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.proto import config_pb2

from components.gate.drawing import Fault
from components.gate.metrics import CLASS_SHARE
from components.gate.verdict import Check, Verdict, causes_of, finite, reason_of
from components.transform.pixels import LABEL_KEY

OVERALL = ""
Figures = dict[str, dict[str, float]]  # slice ("" or the label) -> name -> value


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
    if not candidate[OVERALL].get("examples"):
        return Verdict(
            blessed=False, reason="there are no examples to judge by: check the evaluation split", conditional=conditional
        )
    validation = tfma.load_validation_result(output)
    failures = _failures(validation)
    checks = []
    for metric, place, threshold in _thresholds(eval_config, candidate):
        compared = has_baseline and threshold.HasField("change_threshold")
        served = finite(baseline[place].get(metric)) if compared else None
        kind, limit = _limit(threshold, served)
        check = Check(
            metric=metric,
            slice=class_names[int(place)] if place else OVERALL,
            value=finite((candidate if kind != "change" else differences)[place].get(metric)),
            limit=limit,
            kind=kind,
            baseline=served,
            passed=(place, metric, kind == "change") not in failures,
            ignored=kind == "change" and not has_baseline,
        )
        checks.append(check)
    figures = {name: finite(value) for name, value in candidate[OVERALL].items()}
    causes = causes_of(checks)
    fault = Fault(int(candidate[OVERALL].get("fault", 0)))
    reason = fault.text if fault else reason_of(checks, causes, figures)
    if not checks:
        reason = "no threshold is set: nothing is blessed by default"
    blessed = bool(checks) and validation.validation_ok
    if blessed != (bool(checks) and all(check.passed for check in checks)):
        raise RuntimeError(f"TFMA's validation ({validation.validation_ok}) and the checks disagree: {checks}")
    return Verdict(
        blessed=blessed,
        reason=reason,
        causes=causes,
        checks=checks,
        figures=figures,
        per_class=_per_class(candidate, conditional, len(class_names)),
        baseline_figures={name: finite(value) for name, value in baseline[OVERALL].items()} if has_baseline else {},
        conditional=conditional,
        examples=int(candidate[OVERALL]["examples"]),
    )


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


def _failures(validation: Any) -> set[tuple[str, str, bool]]:
    """Collect (slice, metric, is a change) of each failed check."""
    return {
        (_place(of_slice.slice_key), failure.metric_key.name, failure.metric_key.is_diff)
        for of_slice in validation.metric_validations_per_slice
        for failure in of_slice.failures
    }


def _thresholds(eval_config: config_pb2.EvalConfig, figures: Figures) -> Iterator[tuple[str, str, config_pb2.MetricThreshold]]:
    """List (metric, slice, threshold) for each slice that a threshold applies to."""
    labels = sorted((place for place in figures if place != OVERALL and "examples" in figures[place]), key=int)
    for spec in eval_config.metrics_specs:
        for metric in sorted(spec.per_slice_thresholds):
            for entry in spec.per_slice_thresholds[metric].thresholds:
                per_class = any(LABEL_KEY in slicing.feature_keys for slicing in entry.slicing_specs)
                for place in labels if per_class else [OVERALL]:
                    yield metric, place, entry.threshold


def _limit(threshold: config_pb2.MetricThreshold, served: float | None) -> tuple[str, float]:
    """Kind and limit; a relative change is told as what it allows beside the served version's figure, where there is one."""
    if threshold.HasField("change_threshold"):
        change = threshold.change_threshold
        relative = change.relative.value * (1.0 if served is None else served)
        return "change", relative if change.HasField("relative") else change.absolute.value
    bounds = threshold.value_threshold
    return ("max", bounds.upper_bound.value) if bounds.HasField("upper_bound") else ("min", bounds.lower_bound.value)


def _per_class(figures: Figures, conditional: bool, classes: int) -> dict[str, dict[str, float | None]]:
    """Figures of each class; of a generator without classes only the share means something."""
    return {
        str(label): {
            name: finite(value) for name, value in figures.get(str(label), {}).items() if conditional or name == CLASS_SHARE
        }
        for label in range(classes)
    }
