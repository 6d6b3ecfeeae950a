"""What a number of images would take, by the lines through the figures of the two largest sizes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.benchmarks.scale.grid import STEPS, key


@dataclass(frozen=True)
class Line:
    """Processor seconds of a step: `fixed + per_image * images`."""

    fixed: float
    per_image: float

    def core_hours(self, images: float) -> float:
        """Processor time of so many images."""
        return (self.fixed + self.per_image * images) / 3600


def fit(measured: dict[str, Any], engine: str) -> dict[str, Line]:
    """The line of each step that two sizes of are measured; between them it is exact, beyond them linear growth is assumed."""
    lines = {}
    for step in STEPS:
        prefix = key(step, engine, 0).removesuffix("0")
        cells = {int(name.removeprefix(prefix)): cell for name, cell in measured["cells"].items() if name.startswith(prefix)}
        points = sorted((size, cell["cpu_seconds"]) for size, cell in cells.items() if "seconds" in cell)[-2:]
        if len(points) == 2:
            (small, before), (large, after) = points
            slope = (after - before) / (large - small)
            lines[step] = Line(before - slope * small, slope)
    return lines
