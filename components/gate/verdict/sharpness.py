"""How sharp this gate is on these data: the mildest strength of each catalogued fault that its limits would have refused."""

from __future__ import annotations

from itertools import groupby

from components.gate.calibration.record import Calibration
from components.gate.verdict.verdict import Check, Sharpness


def measure_sharpness(calibration: Calibration, checks: list[Check]) -> list[Sharpness]:
    """Hold what each fault does to the figures to the limits of a verdict.

    Args:
        calibration: What the faults do.
        checks: The verdict's; those of single classes and of changes are left out.
    """
    limits = [check for check in checks if not check.slice and check.kind != "change"]
    found = []
    for fault, responses in groupby(calibration.responses, lambda response: response.fault):
        graded = sorted(responses, key=lambda response: response.strength)
        must = next((response.strength for response in graded if response.must), None)
        seen = Sharpness(fault=fault, unit=graded[0].unit, refused_from=None, must_from=must, seen_by=[])
        for response in graded:
            by = [check.metric for check in limits if _refuses(check, response.figures.get(check.metric))]
            if by:
                seen = seen.model_copy(update={"refused_from": response.strength, "seen_by": by})
                break
        found.append(seen)
    return found


def _refuses(check: Check, value: float | None) -> bool:
    if value is None:
        return False
    return value > check.limit if check.kind == "max" else value < check.limit
