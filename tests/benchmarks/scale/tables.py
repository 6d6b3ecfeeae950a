"""The figures as Markdown, as docs/growth.md has them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.benchmarks.scale.engines import ENGINES, LOCAL
from tests.benchmarks.scale.grid import STEPS, key
from tests.benchmarks.scale.plan import fit

_BEGIN, _END = "<!-- figures: begin -->\n", "<!-- figures: end -->\n"
_PLANNED = 1e9  # images


def tables(measured: dict[str, Any]) -> str:
    """The tables: seconds and peak memory of every cell, whose memory it is, and what a billion images would take."""
    sizes = sorted({int(name.rsplit(" ", 1)[1]) for name in measured["cells"]})
    rows, parts = ([["step", "engine", *(f"{size:,} images" for size in sizes)]] for _ in range(2))
    for step in STEPS:
        for engine in ENGINES:
            cells = [measured["cells"].get(key(step, engine, size), {}) for size in sizes]
            if any(cells):
                rows.append([step, engine, *map(_text, cells)])
            if any(cells) and engine != LOCAL:
                parts.append([step, engine, *map(_parts, cells)])
    plan = [["step", "fixed processor s", "processor s per million images", "core-hours of 10⁹ images"]]
    for step, line in fit(measured, LOCAL).items():
        plan.append([step, f"{line.fixed:.0f}", f"{line.per_image * 1e6:.0f}", f"{line.core_hours(_PLANNED):.0f}"])
    machine = f"{measured['machine'].get('cpu', 'no machine yet')}, {measured['machine'].get('cores', 0)} cores:\n\n"
    whose = "Peaks in MiB of the Beam workers + both JVMs + the driver, each at its own moment:\n\n"
    return f"{machine}{_markdown(rows)}\n{whose}{_markdown(parts)}\n{_markdown(plan)}"


def write_into(page: Path, measured: dict[str, Any]) -> None:
    """Replace the figures between the page's two marks."""
    before, _, rest = page.read_text(encoding="utf-8").partition(_BEGIN)
    _, _, after = rest.partition(_END)
    page.write_text(f"{before}{_BEGIN}{tables(measured)}{_END}{after}", encoding="utf-8")


def _markdown(rows: list[list[str]]) -> str:
    lines = [rows[0], ["---"] * len(rows[0]), *rows[1:]]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _parts(cell: dict[str, Any]) -> str:
    """Whose memory a cell's is."""
    return " + ".join(f"{cell[part]:,}" for part in ("workers_mib", "java_mib", "driver_mib")) if "seconds" in cell else "-"


def _text(cell: dict[str, Any]) -> str:
    if "seconds" not in cell:
        return "failed" if cell else "-"
    return f"{cell['seconds']:.0f} s, {cell['peak_mib']:,} MiB"
