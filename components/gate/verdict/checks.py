"""Figures held to their thresholds."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Literal

from tensorflow_model_analysis.proto import config_pb2

from components.gate.combiners.changes import SETBACKS
from components.gate.combiners.scoring import OVERALL, Figures
from components.gate.verdict.verdict import Check, finite
from components.transform.pixels import LABEL_KEY


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


def change_checks(
    eval_config: config_pb2.EvalConfig,
    candidate: Figures,
    baseline: Figures,
    differences: Figures,
    *,
    least_increase: float | None,
    has_baseline: bool,
) -> list[Check]:
    """Check changes against the baseline; without one they are listed as ignored.

    Args:
        eval_config: Configuration after `bind`.
        candidate: Figures of the candidate.
        baseline: Figures of the baseline.
        differences: Candidate minus baseline.
        least_increase: Relative increase of a Fréchet distance that is allowed at least; None: not gated.
        has_baseline: Whether there was a baseline to compare with.
    """
    ours, theirs, change = candidate[OVERALL], baseline[OVERALL], differences[OVERALL]
    checks = []
    if least_increase is not None:
        for setback in SETBACKS:
            metric = setback.replace("setback", "ratio")
            served = finite(theirs.get(metric)) if has_baseline else None
            beyond = finite(ours.get(setback)) if has_baseline else None
            increase = finite(ours.get(setback.replace("setback", "increase"))) if has_baseline else None
            value, limit = None, least_increase
            if served is not None and beyond is not None and increase is not None:
                # In the ratio's unit; of all draws, so not to the last digit the difference of the two ratios shown elsewhere.
                value, limit = increase * served, (increase - beyond) * served
            check = Check(
                metric=metric,
                slice=OVERALL,
                value=value,
                limit=limit,
                kind="change",
                baseline=served,
                passed=not has_baseline or (beyond is not None and beyond <= 0),
                ignored=not has_baseline,
            )
            checks.append(check)
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


def _thresholds(eval_config: config_pb2.EvalConfig, figures: Figures) -> Iterator[tuple[str, str, config_pb2.MetricThreshold]]:
    """List (metric, slice, threshold) for each slice that a threshold applies to."""
    labels = sorted((place for place in figures if place != OVERALL and "examples" in figures[place]), key=int)
    for spec in eval_config.metrics_specs:
        for metric in sorted(spec.per_slice_thresholds):
            for entry in spec.per_slice_thresholds[metric].thresholds:
                per_class = any(LABEL_KEY in slicing.feature_keys for slicing in entry.slicing_specs)
                for place in labels if per_class else [OVERALL]:
                    yield metric, place, entry.threshold


def _limit(threshold: config_pb2.MetricThreshold) -> tuple[Literal["max", "min"], float]:
    bounds = threshold.value_threshold
    return ("max", bounds.upper_bound.value) if bounds.HasField("upper_bound") else ("min", bounds.lower_bound.value)
