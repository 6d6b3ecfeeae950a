"""All runs of a home: what MLMD remembers of each, with what the run's record adds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, ValidationError

from components.gate.verdict.verdict import FIGURE_PREFIX, Verdict, comparison_of
from pipeline.home.home import Home
from pipeline.home.lineage import TracedArtifact, TracedRun, read_runs
from pipeline.home.run_record import RunRecord, load_all
from pipeline.nodes import GATE, PUSHER
from serving.repository.layout import model_name

PastState = Literal["running", "interrupted", "blessed", "blocked", "failed"]


class PastRun(BaseModel):
    """One run, in short."""

    model_config = ConfigDict(extra="forbid")

    run_id: str
    model: str
    profile: str = ""  # "" where the run's record is gone
    started: str  # ISO 8601, UTC
    seconds: float  # that its nodes took
    state: PastState
    reason: str = ""
    figures: dict[str, float | None] = {}
    baseline_version: str = ""
    comparison: str = ""  # what the gate compared with, and why not
    version: int | None = None  # what was pushed, or had been pushed already
    is_new: bool = False  # whether this run pushed that version


class _Judged(NamedTuple):
    """The gate's word on a run; None: it isn't known."""

    blessed: bool | None = None
    reason: str = ""
    figures: Mapping[str, float | None] = MappingProxyType({})
    baseline_version: str = ""
    comparison: str = ""


def read_history(home: Home) -> list[PastRun]:
    """Gather all runs, newest first.

    Raises:
        UserError: MLMD's file can't be read.
    """
    records = {record.run_id: record for record in load_all(home.runs)}
    traced = read_runs(home)
    known = {run.run_id for run in traced}
    busy = home.busy()
    newest = max([*known, *records], default="")
    runs = [_from_metadata(run, records.get(run.run_id), live=busy and run.run_id == newest) for run in traced]
    # A run that failed before its first node is in no other place than its record.
    runs += [
        _from_record(record, live=busy and record.run_id == newest) for record in records.values() if record.run_id not in known
    ]
    runs.sort(key=lambda run: run.run_id, reverse=True)  # ids only grow, `started` is what the clock said
    seen: set[tuple[str, int]] = set()
    for run in reversed(runs):
        if run.version is not None:
            run.is_new = (run.model, run.version) not in seen
            seen.add((run.model, run.version))
    return runs


def _judged(evaluation: TracedArtifact | None) -> _Judged:
    """Read an evaluation: from MLMD's own properties, else from the verdict's file that MLMD points at."""
    if evaluation is None:
        return _Judged()
    known = evaluation.properties
    if "blessed" in known:
        figures = {name.removeprefix(FIGURE_PREFIX): value for name, value in known.items() if name.startswith(FIGURE_PREFIX)}
        told = [str(known.get(name, "")) for name in ("baseline_version", "comparison")]
        return _Judged(bool(known["blessed"]), known.get("reason", ""), figures, *told)
    try:
        verdict = Verdict.load(Path(evaluation.uri))
    except (OSError, ValidationError):
        return _Judged()
    return _Judged(verdict.blessed, verdict.reason, verdict.figures, verdict.baseline_version, comparison_of(verdict))


def _from_metadata(run: TracedRun, record: RunRecord | None, *, live: bool) -> PastRun:
    judged = _judged(run.output(GATE, "evaluation"))
    pushed = run.output(PUSHER, "pushed_model")
    version = int(pushed.properties["pushed_version"]) if pushed and pushed.properties.get("pushed") else None
    if any(node.outcome == "failed" for node in run.nodes) or (record and record.state == "failed"):
        state: PastState = "failed"
    elif version is not None:
        state = "blessed"
    elif pushed is not None or judged.blessed is False:
        state = "blocked"
    else:
        state = "running" if live else "interrupted"
    # The record knows what this run itself spent, also of one that was interrupted in between; a node that failed isn't in it.
    spent = {node.id: node.seconds for node in record.nodes} if record else {}
    seconds = sum(spent.get(node.id, node.seconds) for node in run.nodes)
    return PastRun(
        run_id=run.run_id,
        model=run.pipeline,
        profile=record.profile if record else "",
        started=run.started.isoformat(timespec="seconds"),
        seconds=round(seconds, 1),
        state=state,
        reason=record.reason if record and record.reason else judged.reason,
        figures=dict(judged.figures),
        baseline_version=judged.baseline_version,
        comparison=judged.comparison,
        version=version,
    )


def _from_record(record: RunRecord, *, live: bool) -> PastRun:
    state = ("running" if live else "interrupted") if record.state == "running" else record.state
    return PastRun(
        run_id=record.run_id,
        model=model_name(record.config["data"]["dataset"]),
        profile=record.profile,
        started=record.started,
        seconds=round(sum(node.seconds for node in record.nodes), 1),
        state=state,
        reason=record.reason,
        figures=(record.verdict or {}).get("figures", {}),
        version=record.pushed_version,
    )
