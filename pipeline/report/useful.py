"""The report's table of usefulness: what was reached beside what real images reach."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from components.usefulness.result import Usefulness
from pipeline.home.run_record import RunRecord


@dataclass(frozen=True)
class UsefulRow:
    """One figure in words: what it is, its value, what real images reach, its limit and the outcome ("" without a limit)."""

    title: str
    text: str
    source: str
    value: str
    real: str
    limit: str = ""
    outcome: str = ""


def usefulness_of(record: RunRecord) -> Usefulness | None:
    """Read what a run measured; None where it measured nothing, or another version wrote it."""
    try:
        return Usefulness.model_validate(record.usefulness) if record.usefulness else None
    except ValueError:
        return None


def useful_rows(found: Usefulness, settings: dict[str, Any]) -> list[UsefulRow]:
    """Lay out figures; `settings` are the run's own of the node."""
    rows = []
    if one := found.training:
        low, high = one.interval
        rows += [
            UsefulRow(
                "Classification accuracy score",
                f"how often a classifier trained on {one.images:,} images, generated or real, is right on {one.tested:,} others",
                "Ravuri & Vinyals 2019",
                f"{one.generated:.2%}",
                f"{one.real:.2%}",
            ),
            UsefulRow(
                "Errors, as a multiple",
                f"of the errors after as many real images; 95 % of the resamples of the test images: {low:.2f} to {high:.2f}",
                "",
                f"{one.error_ratio:.2f}",
                "1",
                *_held(one.error_ratio, settings.get("max_error_ratio"), "{:g}"),
            ),
        ]
    if two := found.two_sample:
        rows.append(
            UsefulRow(
                "Two-sample accuracy",
                f"how often a network tells generated from real images (± {1.96 * two.error:.1%}), or real from other real ones; "
                f"50 % is guessing; trained on {two.images:,}, tested on {two.tested:,}",
                "Lopez-Paz & Oquab 2017",
                f"{two.generated:.1%}",
                f"{two.real:.1%}",
                *_held(two.generated, settings.get("max_two_sample_accuracy"), "{:.1%}"),
            )
        )
    return rows


def class_accuracies(found: Usefulness, names: list[str]) -> list[tuple[str, str, str]]:
    """Name each class and the accuracies within it, after training on generated and on real images."""

    def percent(value: float | None) -> str:
        return "–" if value is None else f"{value:.2%}"

    pairs = found.training.by_class if found.training else []
    return [
        (names[label] if label < len(names) else str(label), percent(ours), percent(theirs))
        for label, (ours, theirs) in enumerate(pairs)
    ]


def _held(value: float | None, limit: float | None, form: str) -> tuple[str, str]:
    if limit is None or value is None:
        return "", ""
    return f"≤ {form.format(limit)}", "failed" if value > limit else "passed"
