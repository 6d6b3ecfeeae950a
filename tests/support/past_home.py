"""A home with past runs, as the pipeline leaves it: MLMD's own store, records, verdicts, journals, a showcase; no training."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from ml_metadata.metadata_store.metadata_store import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as mlmd
from PIL import Image

from components.gan.training.journal_files import DISTANCE, METRICS_FILE, sample_path
from components.gan.training.outcome import Outcome, write_outcome
from components.gate.drawing.showcase_file import SHOWCASE_FILE
from components.gate.verdict.verdict import Check, Verdict
from components.usefulness.result import TrainingUse, TwoSample, Usefulness
from pipeline.config import resolve_config
from pipeline.home.home import Home
from pipeline.home.run_record import NodeRecord, RunRecord
from serving.repository import contract

FIGURES = {"examples": 200.0, "frechet_ratio": 2.5, "recall": 0.75, "precision": 0.7, "label_agreement": 0.97, "coverage": 0.8}
_PIPELINE = "mnist_gan"


class PastHome:
    """Builds runs in a home, each a few milliseconds."""

    def __init__(self, path: Path) -> None:
        self.home = Home.at(path)
        self.home.open()
        config = mlmd.ConnectionConfig()
        config.sqlite.filename_uri = str(self.home.metadata)
        config.sqlite.connection_mode = mlmd.SqliteMetadataSourceConfig.READWRITE_OPENCREATE
        self._store = MetadataStore(config)
        self._runs = 0

    def add(
        self,
        state: str = "blessed",
        *,
        version: int | None = None,
        figures: dict[str, float] | None = None,
        checks: list[Check] | None = None,
        class_names: tuple[str, ...] = ("0", "1", "2"),
        recorded: bool = True,
        showcase: dict[str, np.ndarray] | None = None,
        properties: bool = False,
        cached_from: str = "",
        model: str = "mnist_gan",
        usefulness: Usefulness | None = None,
        **verdict: Any,
    ) -> RunRecord:
        """Add a run.

        Args:
            state: As in RunRecord; "running" and "failed" runs stop in GanTrainer.
            version: What it pushed, if blessed.
            figures: The gate's overall figures.
            checks: The gate's checks; one of the Fréchet ratio if not given.
            class_names: Names by label.
            recorded: Whether its record lies in the home.
            showcase: Arrays of the evaluation's showcase.
            properties: Whether MLMD itself holds the verdict.
            model: The pipeline's name.
            usefulness: What the run measured of it.
            cached_from: A run whose evaluation this one took over.
            **verdict: Further fields of the verdict.
        """
        self._runs += 1
        record = RunRecord(
            run_id=f"20260101-00000{self._runs}-000000",
            state=state,
            started=f"2026-01-01T00:00:0{self._runs}+00:00",
            profile="quick",
            config=resolve_config("quick", ["gan.seed=5"]).model_dump(mode="json"),
            pipeline_digest="a" * 64,
            training_key=f"{self._runs:064d}",
            usefulness=usefulness.model_dump(mode="json") if usefulness else None,
        )
        context = self._context("pipeline_run", record.run_id)
        self._store.put_parent_contexts([mlmd.ParentContext(child_id=context, parent_id=self._context("pipeline", model))])
        unfinished = state in ("running", "failed")
        training = self._directory("GanTrainer", "model_run", write_journal)
        trained = (
            {} if unfinished else {"model_run": ("ModelRun", training, {}), "model": ("Model", self._model(class_names), {})}
        )
        last = {"running": mlmd.Execution.RUNNING, "failed": mlmd.Execution.FAILED}.get(state, mlmd.Execution.COMPLETE)
        self._execute(context, "GanTrainer", last, trained)
        record.nodes = [NodeRecord(id="GanTrainer", outcome="ran", seconds=300.0)]
        if unfinished:
            working = self.home.trainings / record.training_key[:16]
            write_journal(working)
            record.reason = "GanTrainer: it diverged" if state == "failed" else ""
        else:
            self._judge(record, context, figures or FIGURES, checks, class_names, showcase, properties, cached_from, verdict)
            pushed = {"pushed": int(state == "blessed"), "pushed_version": str(version), "pushed_destination": f"/s/{version}"}
            outputs = {"pushed_model": ("PushedModel", self.home.pipeline_root / "pushed", pushed)}
            self._execute(context, "GeneratorPusher", mlmd.Execution.COMPLETE, outputs)
            record.training = str(training)
            record.pushed_version = version
        if recorded:
            record.save(self.home.runs)
        return record

    def _judge(self, record, context, figures, checks, class_names, showcase, properties, cached_from, more) -> None:
        blessed = record.state == "blessed"
        passed = Check(
            metric="frechet_ratio", slice="", value=figures.get("frechet_ratio"), limit=5.0, kind="max", passed=blessed
        )
        verdict = Verdict(
            blessed=blessed,
            reason="all 1 checks passed" if blessed else "mode collapse: recall 0.1 is below 0.6",
            causes=[] if blessed else ["mode collapse"],
            checks=[passed] if checks is None else checks,
            figures=figures,
            per_class={str(label): {"recall": 0.5 + label / 10, "frechet_ratio": 3.0} for label in range(len(class_names))},
            conditional=True,
            judge={"accuracy": 0.9931, "digest": "b" * 64},
            examples=200,
            **more,
        )
        directory = self._directory("Gate", "evaluation", verdict.save)
        if showcase is not None:
            np.savez_compressed(directory / SHOWCASE_FILE, **showcase)
        known = {f"figure.{name}": float(value) for name, value in figures.items()} if properties else {}
        known |= {"blessed": int(blessed), "reason": verdict.reason, "baseline_version": ""} if properties else {}
        if cached_from:
            self._execute(context, "Gate", mlmd.Execution.CACHED, {}, taken=self._evaluation_of(cached_from))
        else:
            self._execute(context, "Gate", mlmd.Execution.COMPLETE, {"evaluation": ("ModelEvaluation", directory, known)})
        record.verdict, record.reason = verdict.model_dump(mode="json"), verdict.reason
        record.evaluation = str(directory)

    def _evaluation_of(self, run_id: str) -> int:
        context = self._store.get_context_by_type_and_name("pipeline_run", run_id)
        (found,) = [made for made in self._store.get_artifacts_by_context(context.id) if made.type == "ModelEvaluation"]
        return found.id

    def _directory(self, node: str, key: str, write: Any) -> Path:
        directory = self.home.pipeline_root / node / key / str(self._runs)
        directory.mkdir(parents=True)
        write(directory)
        return directory

    def _model(self, class_names: tuple[str, ...]) -> Path:
        card = {
            contract.META_CLASS_NAMES: list(class_names),
            contract.META_CODE_HASH: "c" * 64,
            contract.META_DATA_DIGEST: "d" * 64,
        }

        def write(directory: Path) -> None:
            path = directory / "Format-Serving" / contract.METADATA_FILE
            path.parent.mkdir(parents=True)
            path.write_text(json.dumps(card))

        return self._directory("GanTrainer", "model", write)

    def _context(self, kind: str, name: str) -> int:
        if found := self._store.get_contexts_by_type(kind):
            known = {context.name: context.id for context in found}
            if name in known:
                return known[name]
        type_id = self._store.put_context_type(mlmd.ContextType(name=kind))
        return self._store.put_contexts([mlmd.Context(type_id=type_id, name=name)])[0]

    def _execute(
        self, run: int, node: str, state: int, outputs: dict[str, tuple[str, Path, dict]], taken: int | None = None
    ) -> None:
        type_id = self._store.put_execution_type(mlmd.ExecutionType(name=node))
        execution = mlmd.Execution(type_id=type_id, last_known_state=state)
        made = []
        for key, (kind, uri, properties) in outputs.items():
            artifact_type = self._store.put_artifact_type(mlmd.ArtifactType(name=kind))
            artifact = mlmd.Artifact(type_id=artifact_type, uri=str(uri))
            for name, value in properties.items():
                field = {int: "int_value", float: "double_value", str: "string_value"}[type(value)]
                setattr(artifact.custom_properties[name], field, value)
            made.append((artifact, _written(key)))
        if taken is not None:
            made.append((self._store.get_artifacts_by_id([taken])[0], _written("evaluation")))
        contexts = [self._store.get_contexts_by_id([number])[0] for number in (run, self._context("node", f"{_PIPELINE}.{node}"))]
        self._store.put_execution(execution, made, contexts)


def make_usefulness(classes: int = 3, **more: Any) -> Usefulness:
    """Make a result with both measurements."""
    training = TrainingUse(
        images=30_000,
        tested=10_000,
        generated=0.9844,
        real=0.9908,
        error_ratio=1.7,
        interval=(1.4, 2.04),
        by_class=[(0.98, 0.99), *[(None, None)] * (classes - 1)],
    )
    two_sample = TwoSample(images=48_000, tested=12_000, generated=0.66, real=0.53, error=0.0043)
    return Usefulness(**{"training": training, "two_sample": two_sample, "seed": 11, "steps": 2000, **more})


def _written(key: str) -> mlmd.Event:
    event = mlmd.Event(type=mlmd.Event.OUTPUT)
    event.path.steps.add().key = key
    return event


def write_journal(directory: Path, outcome: Outcome | None = None) -> None:
    """Write a training's journal: figures and sample grids of eight steps, and how it ended."""
    steps = range(100, 900, 100)
    figures = {"d_loss": 0.5, "g_loss": 1.5, "d_accuracy": 0.9, "d_grad_norm": 2.0, "g_grad_norm": 1.0, "diversity": 0.8}
    directory.mkdir(parents=True, exist_ok=True)
    looks = {200: {DISTANCE: 0.5}, 400: {DISTANCE: 0.25}, 600: {DISTANCE: 0.2}, 800: {DISTANCE: 2.5}}
    lines = [{"step": step, **figures, **looks.get(step, {})} for step in steps]
    (directory / METRICS_FILE).write_text("".join(json.dumps(line) + "\n" for line in lines))
    if outcome:
        write_outcome(directory, outcome)
    for step in steps:
        path = sample_path(directory, step)
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(np.full((56, 56), step % 256, np.uint8)).save(path)


def make_showcase(classes: int = 3) -> dict[str, np.ndarray]:
    """Make a showcase in the form that the gate writes, of random pictures."""
    random = np.random.default_rng(1)

    def pictures(*shape: int) -> np.ndarray:
        return random.integers(0, 256, (*shape, 28, 28, 1), np.uint8)

    shown = {name: pictures(classes, 10) for name in ("candidate", "baseline", "real")}
    shown["seeds"] = np.arange(classes * 10).reshape(classes, 10)
    for which in ("worst", "best"):
        shown[which] = pictures(20)
        shown[f"{which}_label"] = np.arange(20) % classes
        shown[f"{which}_predicted"] = np.arange(20) // 2 % classes
        shown[f"{which}_score"] = np.linspace(0.1, 1.0, 20, dtype=np.float32)
    for left, right in (("suspicious", "nearest_train"), ("suspicious_real", "nearest_train_of_real")):
        shown[left], shown[right] = pictures(12), pictures(12)
        shown[f"{left}_distance"] = np.linspace(1, 2, 12, dtype=np.float32)
    shown["suspicious_label"] = np.arange(12) % classes
    return shown
