"""Lay out the report: from facts to HTML."""

from __future__ import annotations

import datetime

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from components.gate.drawing.showcase_file import DISTANCE_NAME, SCORE_NAME
from components.gate.verdict.verdict import comparison_of
from pipeline.report import making, pictures, plots
from pipeline.report.facts import Facts
from pipeline.report.figures import class_table, number, other_rows, threshold_rows
from pipeline.report.glossary import meaning
from pipeline.report.sharp import sharp_rows
from pipeline.report.useful import class_accuracies, useful_rows, usefulness_of

_HEADLINES = {"blessed": "Blessed", "blocked": "Refused", "failed": "Failed", "running": "Not finished"}
_VERSIONS = 20  # pushed versions in the table; the plot has all


def render(facts: Facts) -> str:
    """Render the report.

    Args:
        facts: All that is known of the run.

    Returns:
        An HTML document that asks for nothing outside itself and runs no script.
    """
    environment = Environment(
        loader=PackageLoader("pipeline.report"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["number"] = number
    page, css = (environment.get_template(name) for name in ("page.html.j2", "page.css"))
    verdict, useful = facts.verdict, usefulness_of(facts.record)
    return page.render(
        css=Markup(css.render()),  # noqa: S704 (the project's own file)
        record=facts.record,
        verdict=verdict,
        unlabelled=facts.unlabelled,
        headline=_headline(facts),
        summary=_summary(facts),
        rows=threshold_rows(verdict) if verdict else [],
        others=other_rows(verdict) if verdict else [],
        sharp=sharp_rows(verdict) if verdict else [],
        without_power=[meaning(name).title for name in verdict.powerless] if verdict else [],
        sides=pictures.sides(facts),
        class_plot=plots.per_class(facts),
        class_table=class_table(verdict, facts.class_name) if verdict else None,
        useful=useful,
        useful_rows=useful_rows(useful, facts.record.config.get("usefulness", {})) if useful else [],
        class_accuracies=class_accuracies(useful, verdict.class_names if verdict else []) if useful else [],
        outcome=facts.outcome.sentence() if facts.outcome else "",
        stages=pictures.stages(facts),
        curves=plots.training(facts.metrics, facts.outcome),
        suspicious=pictures.suspicious(facts),
        honest=pictures.honest(facts),
        worst=pictures.scored(facts, "worst"),
        best=pictures.scored(facts, "best"),
        score_name=SCORE_NAME,
        distance_name=DISTANCE_NAME,
        trend=plots.over_versions(facts),
        pushed=[run for run in facts.history if run.is_new][:_VERSIONS][::-1],
        nodes=making.nodes(facts),
        artifacts=making.artifacts(facts),
        hashes=making.hashes(facts),
        seeds=making.seeds(facts),
        settings=making.settings(facts),
        made=datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
    )


def _headline(facts: Facts) -> str:
    record = facts.record
    if record.state == "blessed":
        before = any(run.run_id == record.run_id and not run.is_new for run in facts.history)
        return f"Blessed{', as before' if before else ' and pushed'}: version {record.pushed_version}"
    causes = facts.verdict.causes if facts.verdict else []
    return _HEADLINES[record.state] + (f": {', '.join(causes)}" if record.state == "blocked" and causes else "")


def _summary(facts: Facts) -> list[tuple[str, str]]:
    """What stands below the verdict: name and value."""
    record, verdict = facts.record, facts.verdict
    shown = [
        ("dataset", str(record.config.get("data", {}).get("dataset", "?"))),
        ("profile", record.profile),
        ("started", datetime.datetime.fromisoformat(record.started).strftime("%Y-%m-%d %H:%M UTC")),
        ("took", f"{sum(node.seconds for node in making.nodes(facts)):,.0f} s"),
    ]
    if verdict is None:
        return shown
    shown += [("images compared", f"{verdict.examples:,} real, as many generated"), ("served version", comparison_of(verdict))]
    if "accuracy" in verdict.judge:
        shown.append(("judge", f"{verdict.judge['accuracy']:.2%} right on test images"))
    if verdict.second_judge.get("agreed") is not None:
        shown.append(("second judge", "agrees" if verdict.second_judge["agreed"] else "does not agree"))
    return shown
