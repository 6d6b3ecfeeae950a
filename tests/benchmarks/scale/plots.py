"""Time and peak memory over the number of images, a line for each step, a column for each engine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from tests.benchmarks.scale.engines import ENGINES
from tests.benchmarks.scale.grid import STEPS, key

_FIGURES = (("seconds", "seconds"), ("peak_mib", "peak memory, MiB"))


def draw(measured: dict[str, Any], path: Path) -> None:
    """Draw all measured cells into a PNG."""
    cells = {name: cell for name, cell in measured["cells"].items() if "seconds" in cell}
    if cells:
        path.parent.mkdir(parents=True, exist_ok=True)
        plot(cells).savefig(path, dpi=120)


def plot(cells: dict[str, dict[str, Any]]) -> Figure:
    """Plot cells by their names, of which there is at least one."""
    engines = [name for name in ENGINES if any(f" {name} " in cell for cell in cells)]
    sizes = sorted({int(name.rsplit(" ", 1)[1]) for name in cells})
    figure = Figure(figsize=(1.5 + 3.5 * len(engines), 6), layout="constrained")
    grid = figure.subplots(len(_FIGURES), len(engines), squeeze=False, sharex=True, sharey="row")
    for row, (figure_name, unit) in zip(grid, _FIGURES, strict=True):
        for axes, engine in zip(row, engines, strict=True):
            for step in STEPS:
                points = [(size, cells[key(step, engine, size)]) for size in sizes if key(step, engine, size) in cells]
                axes.plot([size for size, _ in points], [cell[figure_name] for _, cell in points], "o-", label=step)
            axes.set_xscale("log")
            if figure_name == "seconds":  # a line of slope 1 is linear growth
                axes.set(title=engine, yscale="log")
            else:
                axes.set(xlabel="images")
            axes.grid(alpha=0.3)
        row[0].set_ylabel(unit)
    # Memory should be level, which a start at 0 shows; only now, because a limit that is set ends the scaling to what is drawn.
    grid[1][0].set_ylim(bottom=0)
    grid[0][0].legend(fontsize="small")
    return figure
