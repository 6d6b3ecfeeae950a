"""Plots as inline SVG: matplotlib draws them, the page's CSS variables colour them, so that they follow light, dark and print."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
from markupsafe import Markup, escape
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

# Drawn in these colours, shown in the page's own.
_COLOURS = {
    "ink": "#010203",
    "faint": "#010204",
    "candidate": "#010205",
    "served": "#010206",
    "bad": "#010207",
    "real": "#010208",
}
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "text.parse_math": False,  # a class may be named "$5"
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": _COLOURS["faint"],
    "axes.labelcolor": _COLOURS["ink"],
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.titlecolor": _COLOURS["ink"],
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "grid.color": _COLOURS["faint"],
    "grid.alpha": 0.35,
    "grid.linewidth": 0.6,
    "xtick.color": _COLOURS["faint"],
    "ytick.color": _COLOURS["faint"],
    "xtick.labelcolor": _COLOURS["ink"],
    "ytick.labelcolor": _COLOURS["ink"],
    "text.color": _COLOURS["ink"],
    "legend.frameon": False,
}


_MOST_TICKS = 12  # names below one panel
_LEVEL_NAME = 3  # letters; longer ones would run into each other


@dataclass(frozen=True)
class Line:
    """One curve: name, x and y, and the colour's name."""

    name: str
    x: Sequence[float]
    y: Sequence[float | None]
    colour: str = "candidate"
    dashed: bool = False


@dataclass(frozen=True)
class Panel:
    """One small plot of a row of them.

    Attributes:
        title: What it shows.
        values: One a class (or version); None leaves a gap.
        served: The same of the served version, [] for none.
        limit: A threshold's line; None for none.
        real: What real images reach; None where that is unknown.
        bad: Positions of values that failed their threshold, or of a refused candidate.
    """

    title: str
    values: Sequence[float | None]
    served: Sequence[float | None] = ()
    limit: float | None = None
    real: float | None = None
    bad: frozenset[int] = frozenset()


def curves(label: str, lines: Sequence[Line], *, x_label: str, low: float | None = None, high: float | None = None) -> Markup:
    """Draw curves over steps; `label` tells what they show to those who can't see them."""
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(5.4, 2.6), layout="constrained")
        axes = figure.add_subplot()
        for line in lines:
            style = {"color": _COLOURS[line.colour], "linewidth": 1.5, "linestyle": "--" if line.dashed else "-"}
            axes.plot(line.x, _gaps(line.y), label=line.name, marker="o" if len(line.x) == 1 else None, **style)
        axes.set_xlabel(x_label)
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True, steps=[1, 2, 2.5, 5, 10]))
        axes.xaxis.set_major_formatter(lambda value, _position: f"{value:,.0f}")
        axes.set_ylim(low, high)
        if len(lines) > 1:
            figure.legend(loc="outside upper left", ncols=len(lines), fontsize=9)
        return _svg(figure, label)


def bars(label: str, names: Sequence[str], panels: Sequence[Panel], *, columns: int = 3) -> Markup:
    """Draw one bar chart a panel, a bar a class, with limits and the served version's values."""

    def draw(axes: Axes, panel: Panel) -> None:
        positions = range(len(names))
        colours = [_COLOURS["bad" if position in panel.bad else "candidate"] for position in positions]
        axes.bar(positions, _gaps(panel.values), width=0.62, color=colours)
        if panel.served:
            axes.scatter(positions, _gaps(panel.served), marker="D", s=16, color=_COLOURS["served"], zorder=3)

    return _panels(label, names, panels, draw, columns)


def trend(label: str, names: Sequence[str], panels: Sequence[Panel], *, columns: int = 3) -> Markup:
    """Draw one line a panel over the pushed versions; a refused candidate stands apart from the line."""

    def draw(axes: Axes, panel: Panel) -> None:
        positions = range(len(names))
        values = _gaps(panel.values)
        line = [float("nan") if position in panel.bad else values[position] for position in positions]
        axes.plot(positions, line, marker="o", markersize=5, color=_COLOURS["candidate"])
        axes.scatter(
            [*panel.bad], [values[position] for position in panel.bad], marker="X", s=50, color=_COLOURS["bad"], zorder=3
        )

    return _panels(label, names, panels, draw, columns)


def _panels(
    label: str, names: Sequence[str], panels: Sequence[Panel], draw: Callable[[Axes, Panel], None], columns: int
) -> Markup:
    columns = min(columns, len(panels))
    rows = -(-len(panels) // columns)
    longest = max(map(len, names), default=0)
    slant = {"rotation": 60, "ha": "right"} if longest > _LEVEL_NAME else {}
    height = 2.0 + (min(longest, 20) * 0.07 if slant else 0.0)  # inches: slanted names need room below
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(11, height * rows), layout="constrained")
        for axes, panel in zip(figure.subplots(rows, columns, squeeze=False).flat, panels, strict=False):
            draw(axes, panel)
            axes.set_title(panel.title)
            step = -(-len(names) // _MOST_TICKS)
            axes.set_xticks(range(0, len(names), step), names[::step], **slant)
            if panel.limit is not None:
                axes.axhline(panel.limit, color=_COLOURS["bad"], linewidth=1.2, linestyle="--")
            if panel.real is not None:
                axes.axhline(panel.real, color=_COLOURS["real"], linewidth=1.2, linestyle=":")
            _start_at_zero(axes, panel)
        for axes in figure.axes[len(panels) :]:
            axes.remove()
        return _svg(figure, label)


def _start_at_zero(axes: Axes, panel: Panel) -> None:
    """Let what is never negative stand on zero, with room above for the marks."""
    known = [value for value in (*panel.values, *panel.served, panel.limit, panel.real) if value is not None]
    if min(known) >= 0:
        axes.set_ylim(0, max(known) * 1.08 or 1.0)


def _gaps(values: Sequence[float | None]) -> list[float]:
    return [float("nan") if value is None else value for value in values]


def _svg(figure: Figure, label: str) -> Markup:
    """Write a figure as an SVG element that can stand beside others in one page."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>|<style[^>]*>.*?</style>|<!--.*?-->", "", text, flags=re.DOTALL)
    # Ids must be unique in the page: those that nothing points at go, the others get this plot's own prefix.
    used = set(re.findall(r'(?:href="#|url\(#)([^")]+)', text))
    prefix = re.sub(r"\W+", "-", label.lower())[:40]
    text = re.sub(r' id="([^"]*)"', lambda match: f' id="{prefix}-{match[1]}"' if match[1] in used else "", text)
    text = re.sub(r'(href="#|url\(#)', rf"\g<1>{prefix}-", text)
    text = re.sub(r"font-family: [^;\"]*(;\s*)?", "", text)
    for name, colour in _COLOURS.items():
        text = text.replace(colour, f"var(--{name})")
    (size,) = re.findall(r'viewBox="(0 0 [\d.]+ [\d.]+)"', text)
    opening = f'<svg class="chart" role="img" aria-label="{escape(label)}" viewBox="{size}">'
    return Markup(opening + text[text.index(">") + 1 :].strip())  # noqa: S704 (matplotlib escapes the texts it is given)
