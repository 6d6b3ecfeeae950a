"""The gate's figures as rows for people: value against limit, served version and real images."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from components.gate.verdict.verdict import Check, Verdict
from pipeline.home.status import worst_of_classes
from pipeline.report.glossary import GLOSSARY, INTERNAL, Meaning, meaning

# Columns of the table of classes, in this order: what is small enough for paper and means something within a class.
_CLASS_COLUMNS = (
    "class_share", "label_agreement", "frechet_ratio", "precision", "recall", "density", "coverage", "diversity", "memorisation",
    "duplicate_share", "copied_share", "second_frechet_ratio",
)  # fmt: skip
_HEADROOM = 1.15  # a bar's scale ends that far beyond its largest mark


@dataclass(frozen=True)
class Bar:
    """Where a bar's marks stand, in per cent of its width; None: no such mark."""

    start: float
    end: float
    limit: float | None
    real: float | None
    served: float | None
    text: str  # the same in words


@dataclass(frozen=True)
class Row:
    """One figure, perhaps with its threshold."""

    meaning: Meaning
    of: str  # "all images", a class, or "change from version 3"
    value: str
    limit: str  # "" without a threshold
    interval: str
    outcome: str  # passed, failed, no baseline, or "" without a threshold
    bar: Bar | None
    first: bool = True  # the first row of its figure: the one that explains it


def threshold_rows(verdict: Verdict) -> list[Row]:
    """Turn checks into rows, failed ones first; of a per-class threshold that all classes meet only the tightest class."""
    checks = [Check.model_validate(check) for check in worst_of_classes([check.model_dump() for check in verdict.checks])]
    order = list(GLOSSARY)
    checks.sort(key=lambda check: order.index(check.metric) if check.metric in order else len(order))
    checks.sort(key=lambda check: (check.passed, check.kind == "change", bool(check.slice)))
    explained: set[str] = set()
    rows = []
    for check in checks:
        rows.append(replace(_row(check, verdict), first=check.metric not in explained))
        explained.add(check.metric)
    return rows


def other_rows(verdict: Verdict) -> list[Row]:
    """Turn the overall figures that no threshold looks at into rows."""
    gated = {check.metric for check in verdict.checks if not check.slice and check.kind != "change"}
    rest = [name for name in verdict.figures if name not in gated | INTERNAL]
    return [_free_row(name, verdict) for name in rest]


def _row(check: Check, verdict: Verdict) -> Row:
    known = meaning(check.metric)
    if check.kind == "change":
        return _change_row(check, verdict, known)
    bar = None
    if check.value is not None:
        served = None if check.slice else verdict.baseline_figures.get(check.metric)
        real = known.real if check.slice else _real(verdict, check.metric)
        bar = _bar(check.value, check.limit, real, served, known)
    return Row(
        meaning=known,
        of=check.slice or "all images",
        value=number(check.value, share=known.share),
        limit={"max": "≤ ", "min": "≥ "}[check.kind] + number(check.limit) + (" (lenient)" if check.lenient else ""),
        interval="" if check.slice else _interval(verdict.intervals, check.metric, _real(verdict, check.metric)),
        outcome="passed" if check.passed else "failed",
        bar=bar,
    )


def _change_row(check: Check, verdict: Verdict, known: Meaning) -> Row:
    limit = ("≤ +" if check.limit >= 0 else "≥ ") + number(check.limit)
    if check.ignored:
        return Row(known, "change from what is served", "–", limit, "", "no baseline", None)
    return Row(
        meaning=known,
        of=f"change from version {verdict.baseline_version}" if verdict.baseline_version else "change from what is served",
        value=("+" if (check.value or 0) > 0 else "") + number(check.value),
        limit=limit,
        interval=_interval(verdict.change_intervals, check.metric),
        outcome="passed" if check.passed else "failed",
        bar=None if check.value is None else _bar(check.value, check.limit, None, None, known),
    )


def _free_row(name: str, verdict: Verdict) -> Row:
    known, value = meaning(name), verdict.figures[name]
    served = verdict.baseline_figures.get(name)
    real = _real(verdict, name)
    bar = None
    if value is not None and known.better and (known.share or real is not None or served is not None):
        bar = _bar(value, None, real, served, known)
    return Row(known, "all images", number(value, share=known.share), "", _interval(verdict.intervals, name, real), "", bar)


def _bar(value: float, limit: float | None, real: float | None, served: float | None, known: Meaning) -> Bar:
    marks = [mark for mark in (0.0, value, limit, real, served) if mark is not None]
    low, high = min(marks) * _HEADROOM, max(marks) * _HEADROOM
    if known.share and low >= 0:
        high = 1.0
    span = (high - low) or 1.0

    def place(mark: float) -> float:
        return round(100 * min(max((mark - low) / span, 0.0), 1.0), 2)

    def placed(mark: float | None) -> float | None:
        return None if mark is None else place(mark)

    named = {"limit": limit, "real images": real, "served version": served}
    words = ", ".join([f"value {number(value)}", *(f"{name} {number(mark)}" for name, mark in named.items() if mark is not None)])
    start, end = sorted((place(0.0), place(value)))
    return Bar(start, end, placed(limit), placed(real), placed(served), words)


def _real(verdict: Verdict, metric: str) -> float | None:
    """What real images reach in the generated ones' place: measured, else by definition."""
    return verdict.floor_figures.get(metric, meaning(metric).real)


def _interval(intervals: Mapping[str, Sequence[float]], metric: str, real: float | None = None) -> str:
    if metric not in intervals:
        return ""
    low, high = intervals[metric]
    within = real is not None and low <= real <= high
    return f"{number(low)} to {number(high)}" + (f", real images' {number(real)} within" if within else "")


def number(value: float | None, *, share: bool = False) -> str:
    """Write a figure with as many digits as say something; shares all alike, so that columns of them line up."""
    if value is None:
        return "not finite"
    if share:
        return f"{value:.3f}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


@dataclass(frozen=True)
class ClassTable:
    """Figures of each class: titles of the columns; per class its name and (text, failed) a column."""

    columns: list[str]
    classes: list[tuple[str, list[tuple[str, bool]]]]


def class_table(verdict: Verdict, class_name: Callable[[str], str]) -> ClassTable | None:
    """Lay out the figures of each class; None where there are none."""
    found = {name for figures in verdict.per_class.values() for name, value in figures.items() if value is not None}
    columns = [name for name in _CLASS_COLUMNS if name in found]
    failed = {(check.slice, check.metric) for check in verdict.checks if not check.passed}
    classes = []
    for label, figures in verdict.per_class.items():
        name = class_name(label)
        cells = [(_cell(figures, column), (name, column) in failed) for column in columns]
        classes.append((name, cells))
    return ClassTable([meaning(column).title for column in columns], classes) if columns else None


def _cell(figures: dict[str, float | None], column: str) -> str:
    return number(figures[column], share=meaning(column).share) if column in figures else "–"
