"""From figures to the verdict on them."""

from __future__ import annotations

import math
from typing import Any

from tensorflow_model_analysis.proto import config_pb2

from components.gate.calibration.record import Calibration
from components.gate.combiners.changes import CHANGE_FIGURES
from components.gate.combiners.quality import CLASS_SHARE
from components.gate.combiners.sample import FLOOR
from components.gate.combiners.scoring import OVERALL, Figures
from components.gate.drawing.fault import Fault
from components.gate.figures.comparison import interval
from components.gate.verdict.checks import value_checks
from components.gate.verdict.power import FRECHET_ERRORS, without_power
from components.gate.verdict.sharpness import measure_sharpness
from components.gate.verdict.verdict import COLLAPSE, MEMORISATION, Verdict, causes_of, finite, reason_of

_FEW = 1000  # real images; whoever has fewer to judge by has few to learn from, too
LEAST_EXAMPLES = 100  # real images; with fewer no figure means anything
# What equal distributions give by definition.
_KNOWN_FLOORS = {
    "frechet_ratio": 1.0,
    "second_frechet_ratio": 1.0,
    "train_frechet_ratio": 1.0,
    "second_train_frechet_ratio": 1.0,
    "kid": 0.0,
    "diversity": 1.0,
    "memorisation": 0.5,
}


def judge_figures(
    eval_config: config_pb2.EvalConfig,
    figures: Figures,
    class_names: list[str],
    calibration: Calibration,
    *,
    options: dict[str, Any],
    conditional: bool,
) -> Verdict:
    """Judge figures by the thresholds that need nothing to compare with.

    Args:
        eval_config: Configuration after `bind`.
        options: Those of its metrics.
        calibration: What real images and the catalogued faults do to the figures.
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
        per_class=per_class_figures(figures, conditional, len(class_names)),
        class_names=class_names,
        conditional=conditional,
        examples=int(figures[OVERALL].get("examples", 0)),
        checks=value_checks(eval_config, figures, class_names),
        powerless=options["powerless"],
    )
    verdict.floor_figures |= calibration.typical_of_metrics()
    for check in verdict.checks:
        check.lenient = check.metric in options["lenient_overall" if not check.slice else "lenient_of_classes"]
        check.typical = None if check.slice else verdict.floor_figures.get(check.metric)
    verdict.sharpness = measure_sharpness(calibration, verdict.checks)
    if verdict.examples:
        verdict.intervals = _intervals(figures[OVERALL])
        verdict.too_few_for = without_power(verdict.checks, figures[OVERALL], verdict.examples, calibration)
    conclude(verdict, figures)
    return verdict


def conclude(verdict: Verdict, figures: Figures) -> None:
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
    elif verdict.blessed and verdict.too_few_for:
        verdict.blessed = False
        names = ", ".join(verdict.too_few_for)
        verdict.reason = f"{verdict.examples} images are too few to tell by {names}: compare more, or widen the limit"
    elif absent and not verdict.blessed:
        verdict.reason = f"there is no example of class {absent[0]} to judge by: check the evaluation split"
    elif verdict.examples < _FEW and {MEMORISATION, COLLAPSE} & set(verdict.causes):
        verdict.reason += f"; {verdict.examples} images to judge by are few, and from few a generator copies or collapses: "
        verdict.reason += "more images help most"


def _share(figures: Figures, label: int) -> float:
    return figures.get(str(label), {}).get(CLASS_SHARE, math.nan)


def shown_figures(figures: dict[str, float]) -> tuple[dict[str, float | None], dict[str, float | None]]:
    """Part figures from the floors that were computed beside them, and from what only serves the comparison."""
    hidden = (*FRECHET_ERRORS.values(), *CHANGE_FIGURES)
    shown = {name: finite(value) for name, value in figures.items() if not name.startswith(FLOOR) and name not in hidden}
    floors = {name.removeprefix(FLOOR): finite(value) for name, value in figures.items() if name.startswith(FLOOR)}
    return shown, floors | _KNOWN_FLOORS


def frechet_errors(figures: Figures) -> dict[str, float]:
    """Return the standard errors of the Fréchet ratios, by the ratio's name."""
    overall = figures[OVERALL]
    return {ratio: overall[error] for ratio, error in FRECHET_ERRORS.items() if math.isfinite(overall.get(error, math.nan))}


def _intervals(figures: dict[str, float]) -> dict[str, tuple[float, float]]:
    """95 % intervals from the standard errors that were computed."""
    errors = {
        **{ratio: figures[error] for ratio, error in FRECHET_ERRORS.items()},
        "kid": figures["kid_error"],
        "label_agreement": _share_error(figures["label_agreement"], figures["examples"]),
    }
    return {name: interval(figures[name], error) for name, error in errors.items() if math.isfinite(figures[name] + error)}


def change_intervals(figures: dict[str, float], baseline: dict[str, float]) -> dict[str, tuple[float, float]]:
    """95 % intervals of changes against the baseline, from the paired jackknife's standard error."""
    served = baseline["frechet_ratio"]
    ratio, error = figures["frechet_increase"] * served, figures["frechet_increase_error"] * served
    return {"frechet_ratio": interval(ratio, error)} if math.isfinite(ratio + error) else {}


def _share_error(share: float, count: float) -> float:
    """Binomial standard error of a share of `count` images."""
    return math.sqrt(share * (1 - share) / count) if count else math.nan


def per_class_figures(figures: Figures, conditional: bool, classes: int) -> dict[str, dict[str, float | None]]:
    """Figures of each class; of a generator without classes only the share means something."""
    return {
        str(label): {
            name: value
            for name, value in shown_figures(figures.get(str(label), {}))[0].items()
            if conditional or name == CLASS_SHARE
        }
        for label in range(classes)
    }
