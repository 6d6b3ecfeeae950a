"""The report's plots: which figures, with which limits."""

from __future__ import annotations

from markupsafe import Markup

from components.gan.training.journal_files import DISTANCE
from components.gan.training.outcome import Outcome
from components.gate.verdict.verdict import Check, Verdict
from pipeline.report.charts import Line, Panel, bars, curves, trend
from pipeline.report.facts import Facts
from pipeline.report.figures import number
from pipeline.report.glossary import meaning

_CLASS_PLOTS = ("frechet_ratio", "recall", "precision", "label_agreement", "coverage", "class_share")
_TRENDS = ("frechet_ratio", "recall", "precision", "coverage", "label_agreement", "smallest_class_share")


def training(metrics: list[dict[str, float]], outcome: Outcome | None) -> list[tuple[str, str, Markup]]:
    """Plot a training's journal: (title, what to look for, plot) each; none where there is no journal."""
    if not metrics:
        return []
    steps = [line["step"] for line in metrics]

    def line(key: str, name: str, colour: str) -> Line:
        return Line(name, steps, [entry.get(key) for entry in metrics], colour)

    last = metrics[-1]
    losses = [line("d_loss", "discriminator", "served"), line("g_loss", "generator", "candidate")]
    half = Line("guessing", [steps[0], steps[-1]], [0.5, 0.5], "real", dashed=True)
    accuracy = [line("d_accuracy", "discriminator", "served"), half]
    equal = Line("real images", [steps[0], steps[-1]], [1.0, 1.0], "real", dashed=True)
    diversity = [line("diversity", "generated images", "candidate"), equal]
    norms = [line("d_grad_norm", "discriminator", "served"), line("g_grad_norm", "generator", "candidate")]
    ends = f"Loss over {len(steps)} points up to step {steps[-1]:,.0f}; at the end discriminator {number(last['d_loss'])}, "
    return [
        ("Losses", "Neither should run away from the other.",
         curves(f"{ends}generator {number(last['g_loss'])}", losses, x_label="step")),
        ("Discriminator accuracy", "Pinned at 1 it overpowers the generator; at 0.5 it guesses.",
         curves(f"Discriminator accuracy over training, at the end {number(last['d_accuracy'])}", accuracy, x_label="step",
                low=0.0, high=1.03)),
        ("Diversity", "Spread of generated images relative to real ones; a fall is mode collapse.",
         curves(f"Diversity over training, at the end {number(last['diversity'])}", diversity, x_label="step", low=0.0)),
        ("Gradient norms", "A generator whose gradient vanishes learns nothing more.",
         curves("Gradient norms over training", norms, x_label="step", low=0.0)),
        *_distance(metrics, outcome),
    ]  # fmt: skip


def _distance(metrics: list[dict[str, float]], outcome: Outcome | None) -> list[tuple[str, str, Markup]]:
    """Plot the average's distance from the train images, and mark what is exported; none where it wasn't measured."""
    looks = [(line["step"], line[DISTANCE]) for line in metrics if DISTANCE in line]
    if not looks:
        return []
    lines = [Line("average", [step for step, _ in looks], [distance for _, distance in looks], "candidate")]
    label = f"Distance from the train images over training, at the end {number(looks[-1][1])}"
    if outcome and outcome.distance is not None:
        lines.append(Line("exported", [outcome.step], [outcome.distance], "served"))
        label += f"; exported is that of step {outcome.step:,}, {number(outcome.distance)}"
    hint = "The average's own cheap figure, not the gate's; a late rise is a collapse, and then the best is exported."
    return [("Distance from the train images", hint, curves(label, lines, x_label="step", low=0.0))]


def per_class(facts: Facts) -> Markup | None:
    """Plot the main figures of each class with their limits; None where there are none."""
    verdict = facts.verdict
    if not verdict or not verdict.per_class:
        return None
    labels = list(verdict.per_class)
    names = [facts.class_name(label) for label in labels]
    served = verdict.baseline_per_class
    panels = []
    for metric in _CLASS_PLOTS:
        values = [verdict.per_class[label].get(metric) for label in labels]
        if all(value is None for value in values):
            continue
        limits = {
            check.slice: check for check in verdict.checks if check.metric == metric and check.slice and check.kind != "change"
        }
        bad = frozenset(place for place, name in enumerate(names) if name in limits and not limits[name].passed)
        panels.append(
            Panel(
                title=meaning(metric).title,
                values=values,
                served=[served.get(label, {}).get(metric) for label in labels] if served else [],
                limit=next((check.limit for check in limits.values()), None),
                real=1 / len(labels) if metric == "class_share" else meaning(metric).real,
                bad=bad,
            )
        )
    return bars(f"Figures of each of {len(names)} classes; the table has the numbers", names, panels) if panels else None


def over_versions(facts: Facts) -> Markup | None:
    """Plot key figures of the pushed versions, and of this run's candidate if it was refused; None for fewer than two."""
    runs = [run for run in reversed(facts.history) if run.is_new]
    versions = [f"v{run.version}" for run in runs]
    candidates = [run for run in facts.history if run.run_id == facts.record.run_id and run.state == "blocked" and run.figures]
    if not runs or len(runs) + len(candidates) < 2:
        return None
    limits = {check.metric: check.limit for check in _absolute(facts.verdict) if not check.slice} if facts.verdict else {}
    shown = [*runs, *candidates]
    refused = frozenset(range(len(runs), len(shown)))
    figures = {metric: [run.figures.get(metric) for run in shown] for metric in _TRENDS}
    panels = [
        Panel(meaning(metric).title, values, limit=limits.get(metric), real=meaning(metric).real, bad=refused)
        for metric, values in figures.items()
        if any(value is not None for value in values)
    ]
    span = f"versions {versions[0]} to {versions[-1]}" if len(versions) > 1 else f"version {versions[0]}"
    label = f"Key figures of {span}" + (" and of this run's candidate" if candidates else "")
    return trend(f"{label}; the tables have the numbers", [*versions, *("now" for _ in candidates)], panels)


def _absolute(verdict: Verdict) -> list[Check]:
    return [check for check in verdict.checks if check.kind != "change"]
