"""The report's table of sharpness: how strong each catalogued fault must be for this run's limits to refuse it."""

from __future__ import annotations

from dataclasses import dataclass

from components.gate.verdict.verdict import Sharpness, Verdict
from pipeline.report.figures import number
from pipeline.report.glossary import meaning

_NAMED = 3  # figures that refuse a fault: further ones are counted
_SHARES = ("of the ",)  # begins the units of strengths that are shares


@dataclass(frozen=True)
class SharpRow:
    """One fault: its name, the mildest strength that is refused, what refuses it, and whether that is mild enough."""

    fault: str
    refused_from: str
    seen_by: str
    sharp: bool


def sharp_rows(verdict: Verdict) -> list[SharpRow]:
    """Lay out what the limits would have refused."""
    return [_row(one) for one in verdict.sharpness]


def _row(one: Sharpness) -> SharpRow:
    if one.refused_from is None:
        return SharpRow(one.fault, "not at any strength tried", "–", sharp=False)
    named = [meaning(metric).title for metric in one.seen_by[:_NAMED]]
    more = len(one.seen_by) - _NAMED
    return SharpRow(
        fault=one.fault,
        refused_from=_strength(one.refused_from, one.unit),
        seen_by="; ".join(named) + (f" and {more} more" if more > 0 else ""),
        sharp=one.must_from is None or one.refused_from <= one.must_from,
    )


def _strength(value: float, unit: str) -> str:
    if unit.startswith(_SHARES):
        return f"{value:.0%} {unit}"
    if value == 1:
        unit = unit.replace("rows", "row").replace("pixels", "pixel")
    return f"{number(value)} {'of 255 levels' if unit == 'bytes' else unit}"
