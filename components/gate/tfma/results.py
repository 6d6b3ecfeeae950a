"""Read what TFMA wrote: its validation decides, the checks must tell the same."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.proto import config_pb2

from components.gate.calibration.record import Calibration
from components.gate.combiners.changes import SETBACKS
from components.gate.combiners.quality import CLASS_SHARE
from components.gate.combiners.scoring import OVERALL, Figures
from components.gate.tfma.eval_config import metric_options
from components.gate.verdict.best import best_checks, next_best
from components.gate.verdict.checks import change_checks
from components.gate.verdict.conclude import (
    change_intervals,
    conclude,
    frechet_errors,
    judge_figures,
    per_class_figures,
    shown_figures,
)
from components.gate.verdict.power import without_power_to_compare
from components.gate.verdict.verdict import Best, Check, Verdict


def read_verdict(
    output: str,
    eval_config: config_pb2.EvalConfig,
    class_names: list[str],
    calibration: Calibration,
    *,
    conditional: bool,
    has_baseline: bool,
    judge: str,
    best: Best | None,
) -> Verdict:
    """Read what an evaluation found.

    Args:
        output: The evaluation's directory.
        eval_config: The configuration that was evaluated.
        class_names: Names by label.
        calibration: What the limits of the artefact figures come from.
        conditional: Whether the generator has classes.
        has_baseline: Whether there was a baseline to compare with.
        judge: Digest of the judge.
        best: What was best up to the baseline; None where that doesn't tell.

    Returns:
        The verdict, blessed exactly if TFMA's validation is content and there is a threshold at all.
    """
    candidate, baseline, differences = _read_figures(output)
    options = metric_options(eval_config)
    verdict = judge_figures(eval_config, candidate, class_names, calibration, options=options, conditional=conditional)
    if verdict.examples == 0:
        return verdict
    verdict.checks += change_checks(
        eval_config,
        candidate,
        baseline,
        differences,
        least_increase=options["max_frechet_increase"],
        has_baseline=has_baseline,
    )
    verdict.too_few_for += without_power_to_compare(verdict.checks, options["max_frechet_increase"])
    validation = tfma.load_validation_result(output)
    _agree(verdict.checks, validation, class_names)
    errors = frechet_errors(candidate)
    verdict.checks += best_checks(verdict, errors, best, options) if best else []
    verdict.best = next_best(verdict, errors, best, judge)
    conclude(verdict, candidate)
    # Too few images, and the best so far, are judged here alone: TFMA has no threshold for what it isn't given.
    if verdict.blessed and not validation.validation_ok:
        raise RuntimeError("the checks bless but TFMA's validation does not")
    if has_baseline:
        verdict.baseline_figures = shown_figures(baseline[OVERALL])[0]
        verdict.baseline_per_class = per_class_figures(baseline, conditional, len(class_names))
        verdict.change_intervals = change_intervals(candidate[OVERALL], baseline[OVERALL])
    return verdict


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
