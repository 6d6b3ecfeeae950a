"""Everything that a report shows, gathered from the run's record, MLMD, the gate's evaluation and the training's journal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from components.gan.training.journal_files import read_metrics, read_samples
from components.gan.training.outcome import Outcome, read_outcome
from components.gate.drawing.showcase_file import load_showcase
from components.gate.verdict.verdict import Verdict
from pipeline.home.history import PastRun, read_history
from pipeline.home.home import Home
from pipeline.home.lineage import TracedRun, read_runs
from pipeline.home.run_record import RunRecord, load_all
from pipeline.nodes import GAN_TRAINER, GATE
from serving.repository import contract
from serving.repository.errors import UserError
from serving.repository.metadata import metadata_or_nothing

_SERVING_MODEL = "Format-Serving"


@dataclass(frozen=True)
class Facts:
    """What is known of one run; parts that were not recorded are empty."""

    record: RunRecord
    home: Path
    trace: TracedRun | None = None
    verdict: Verdict | None = None
    card: Mapping[str, Any] = field(
        default_factory=dict
    )  # the trained generator's own metadata, see serving/repository/contract.py
    showcase: Mapping[str, np.ndarray] = field(default_factory=dict)
    metrics: list[dict[str, float]] = field(default_factory=list)
    outcome: Outcome | None = None  # of the training
    samples: Mapping[int, Path] = field(default_factory=dict)  # sample grids by step
    history: list[PastRun] = field(default_factory=list)  # of the same model, newest first

    @property
    def unlabelled(self) -> bool:
        """Whether the images of the dataset have no classes; False where that isn't known."""
        return self.card.get(contract.META_CLASS_NAMES) == []

    def class_name(self, label: int | str) -> str:
        """Name a class; the label itself where there are no names."""
        names = self.card.get(contract.META_CLASS_NAMES, [])
        return str(names[int(label)]) if 0 <= int(label) < len(names) else str(label)


def find_record(home: Home, run: str) -> RunRecord:
    """Find a run by its id or the beginning of it; "" means the newest.

    Raises:
        UserError: There is none, or more than one.
    """
    records = load_all(home.runs)
    if not records:
        raise UserError(f"no run yet in {home.path}: start one with `forger run`, or name another home with --home")
    found = [record for record in records if record.run_id.startswith(run)]
    if run and len(found) != 1:
        listed = ", ".join(record.run_id for record in (found or records)[:3])
        problem = "several runs begin" if found else "no run begins"
        raise UserError(f"{problem} with {run!r}: name one of {listed} (`forger history` lists all)")
    return found[0]


def gather(home: Home, record: RunRecord) -> Facts:
    """Gather what is known of a run.

    Raises:
        UserError: MLMD's file can't be read.
    """
    trace = next((run for run in read_runs(home) if run.run_id == record.run_id), None)
    training = _training(home, record, trace)
    evaluation = Path(record.evaluation) if record.evaluation else _uri(trace, GATE, "evaluation")
    return Facts(
        record=record,
        home=home.path,
        trace=trace,
        verdict=_verdict(record, evaluation),
        card=_card(_uri(trace, GAN_TRAINER, "model")),
        showcase=load_showcase(evaluation) if evaluation else {},
        metrics=read_metrics(training) if training else [],
        outcome=read_outcome(training) if training else None,
        samples=read_samples(training) if training else {},
        history=[run for run in read_history(home) if trace is None or run.model == trace.pipeline],
    )


def _uri(trace: TracedRun | None, node: str, key: str) -> Path | None:
    artifact = trace.output(node, key) if trace else None
    return Path(artifact.uri) if artifact else None


def _training(home: Home, record: RunRecord, trace: TracedRun | None) -> Path | None:
    """Find the journal: the trainer's output, or, of a training that failed or was stopped, its working directory."""
    if record.training:
        return Path(record.training)
    if output := _uri(trace, GAN_TRAINER, "model_run"):
        return output
    started = trace is not None and any(node.id == GAN_TRAINER for node in trace.nodes)
    working = sorted(home.trainings.iterdir()) if started and home.trainings.is_dir() else []
    return next((directory for directory in working if record.training_key.startswith(directory.name)), None)


def _verdict(record: RunRecord, evaluation: Path | None) -> Verdict | None:
    try:
        return Verdict.model_validate(record.verdict) if record.verdict else Verdict.load(evaluation) if evaluation else None
    except (OSError, ValidationError):  # pruned, or written by another version
        return None


def _card(model: Path | None) -> dict[str, Any]:
    return metadata_or_nothing(model / _SERVING_MODEL) if model else {}
