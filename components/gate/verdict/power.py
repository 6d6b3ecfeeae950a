"""Whether there are enough images for a verdict: a figure whose noise reaches its limit can't bless."""

from __future__ import annotations

from collections.abc import Mapping

from components.gate.calibration.record import Calibration
from components.gate.limits import CALIBRATED
from components.gate.verdict.verdict import Check

_TWO_SIDED = 1.96
_ERRORS = {"frechet_ratio": "frechet_error", "second_frechet_ratio": "second_frechet_error"}


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
    calibrated = {one.metric: one.figure for one in CALIBRATED}
    for check in checks:
        if check.slice or check.kind == "change":
            continue
        if check.metric in _ERRORS:
            error = figures.get(_ERRORS[check.metric])
            # The half-width of the interval reaches from what real images have to the limit.
            if error is not None and _TWO_SIDED * error > max(check.limit - 1, 0):
                found.append(check.metric)
        elif calibration and check.kind == "max" and examples < calibration.images:
            noise = calibration.noise_of(calibrated.get(check.metric, ""), examples)
            if noise is not None and noise > check.limit:
                found.append(check.metric)
    return found
