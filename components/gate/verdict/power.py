"""Whether there are enough images for a verdict: a figure whose noise reaches its limit can't bless."""

from __future__ import annotations

from collections.abc import Mapping

from components.gate.calibration.record import Calibration
from components.gate.figures.comparison import TWO_SIDED
from components.gate.limits import CALIBRATED
from components.gate.verdict.verdict import Check

MOST_ROOM = 0.5  # growth of a distance that noise may hide: with more, a comparison doesn't hold back what is clearly worse
# Each Fréchet ratio and its standard error.
FRECHET_ERRORS = {f"{kind}frechet_ratio": f"{kind}frechet_error" for kind in ("", "train_", "second_", "second_train_")}


def without_power(
    checks: list[Check], figures: Mapping[str, float | None], examples: int, calibration: Calibration | None
) -> list[str]:
    """Name the figures that too few images were compared for.

    Args:
        checks: The verdict's.
        figures: Overall ones, with the standard errors of the Fréchet ratios.
        examples: Images compared.
        calibration: Tells the noise of the figures that it calibrates; None: not looked at.

    Returns:
        Metrics whose check can't tell good from bad with so few images.
    """
    found = []
    calibrated = {one.metric: one for one in CALIBRATED}
    for check in checks:
        if check.slice or check.kind == "change":
            continue
        if check.metric in FRECHET_ERRORS:
            error = figures.get(FRECHET_ERRORS[check.metric])
            # The half-width of the interval reaches from what real images have to the limit.
            if error is not None and TWO_SIDED * error > max(check.limit - 1, 0):
                found.append(check.metric)
        elif calibration and (one := calibrated.get(check.metric)) and examples < calibration.images:
            noise = calibration.noise_of(one.figure, examples)
            if noise is not None and noise > one.worst(check.limit, calibration.classes):
                found.append(check.metric)
    return found


def without_power_to_compare(checks: list[Check], least_increase: float | None) -> list[str]:
    """Name the comparisons with the served version whose noise hides too much.

    Args:
        checks: The verdict's.
        least_increase: Relative increase of a Fréchet distance that is allowed at least.
    """
    most = max(MOST_ROOM, least_increase or 0.0)
    changes = (check for check in checks if check.kind == "change" and check.metric in FRECHET_ERRORS and not check.ignored)
    return [f"{check.metric} beside the served one" for check in changes if check.limit > most * (check.baseline or 0.0)]
