"""Figures as a terminal shows them."""

from __future__ import annotations


def figure(value: object, digits: int = 4) -> str:
    """Write a figure with some significant digits, large ones whole and never with an exponent; `-` where there is none."""
    if not isinstance(value, int | float):
        return "-"
    return f"{value:.0f}" if abs(value) >= 10**digits else f"{value:.{digits}g}"
