"""Which of a verdict's many checks a person wants to see."""

from __future__ import annotations

from typing import Any


def worst_of_classes(checks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Keep the overall checks, every failed one, and of each other per-class check its worst class."""
    kept: list[dict[str, Any]] = []
    tightest: dict[tuple[str, str], dict[str, Any]] = {}
    for check in checks:
        key = (check["metric"], check["kind"])
        if not check["slice"] or not check["passed"]:
            kept.append(check)
        elif key not in tightest or (check["value"] > tightest[key]["value"]) == (check["kind"] == "max"):
            tightest[key] = check
    shown = [{**check, "slice": f"worst class: {check['slice']}"} for check in tightest.values()]
    return sorted([*kept, *shown], key=lambda check: (check["metric"], check["kind"], check["slice"]))
