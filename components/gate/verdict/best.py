"""The best that was pushed so far: a version a little worse than the last one, each night, would otherwise drift to the limits.

The figures travel with the versions: each one's verdict holds the best up to it. So a rollback, which serves an older version
again, goes back to what was best then, and `force_baseline` begins anew.
"""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from components.gate.figures.comparison import RARE
from components.gate.verdict.power import MOST_ROOM
from components.gate.verdict.verdict import Best, Check, Verdict

PREFIX = "best_"  # begins the names of these checks' metrics
_LOW = {"frechet_ratio": "frechet_error", "second_frechet_ratio": "second_frechet_error"}
_HIGH = {"recall": "max_recall_drop", "label_agreement": "max_label_agreement_drop"}


def read_best(verdict: Any, judge: str) -> Best | None:
    """Read the best of a served version's verdict, as its metadata holds it.

    Args:
        verdict: What the metadata holds; anything, if another program wrote it.
        judge: Digest of the judge of today.

    Returns:
        None where the version doesn't tell, or another judge measured it.
    """
    try:
        best = Best.model_validate(verdict["best"])
    except (ValidationError, KeyError, TypeError):
        return None
    return best if best.judge == judge else None


def best_checks(verdict: Verdict, errors: dict[str, float], best: Best, options: dict[str, Any]) -> list[Check]:
    """Hold a candidate to the best pushed so far, with at least the room that it has to what is served.

    The best of several noisy figures is partly luck, so noise gives it more room than a comparison: equals exceed it once in 100.

    Args:
        verdict: The candidate's.
        errors: Standard errors of its Fréchet ratios, by the ratio's name.
        best: Of the versions up to the served one.
        options: The metrics' options, with the room that a change has.
    """
    checks = []
    for metric in _LOW:
        bar, room = best.figures.get(metric), options["max_frechet_increase"]
        if bar is not None and room is not None:
            noise = (errors.get(metric, 0.0) ** 2 + best.errors.get(metric, 0.0) ** 2) ** 0.5
            # Noise may widen the room as far as that of a comparison; a best measured on few images would excuse anything else.
            widened = min(RARE * noise, MOST_ROOM * bar)
            checks.append(_check(verdict, metric, "max", bar, bar + max(room * bar, widened)))
    for metric, setting in _HIGH.items():
        bar, room = best.figures.get(metric), options[setting]
        if bar is not None and room is not None and verdict.figures.get(metric) is not None:
            checks.append(_check(verdict, metric, "min", bar, bar - room))
    return checks


def _check(verdict: Verdict, metric: str, kind: Any, bar: float, limit: float) -> Check:
    value = verdict.figures.get(metric)
    passed = value is not None and (value <= limit if kind == "max" else value >= limit)
    return Check(metric=f"{PREFIX}{metric}", slice="", value=value, limit=limit, kind=kind, baseline=bar, passed=passed)


def next_best(verdict: Verdict, errors: dict[str, float], best: Best | None, judge: str) -> Best:
    """Count a candidate in: it is the better one only where it is so by more than its error (Blum & Hardt 2015)."""
    figures, told = dict(best.figures) if best else {}, dict(best.errors) if best else {}
    for metric in (*_LOW, *_HIGH):
        value, error = verdict.figures.get(metric), errors.get(metric, 0.0)
        if value is None:
            continue
        gain = (figures[metric] - value) * (1 if metric in _LOW else -1) if metric in figures else None
        if gain is None or gain > error:
            figures[metric], told[metric] = value, error
    return Best(judge=judge, figures=figures, errors=told)
