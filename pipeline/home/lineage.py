"""What MLMD knows of runs: which nodes ran, from which artifacts to which; read only, and without TFX or TensorFlow."""

from __future__ import annotations

import datetime
import functools
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ml_metadata import errors
from ml_metadata.metadata_store.metadata_store import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as mlmd

from pipeline.home.home import Home
from pipeline.home.moving import moved
from pipeline.home.store import undo_half_written
from serving.repository.errors import UserError, first_line

# The types of context that TFX writes.
_PIPELINE_RUN, _PIPELINE, _NODE = "pipeline_run", "pipeline", "node"
_OUTCOMES = {
    mlmd.Execution.COMPLETE: "ran",
    mlmd.Execution.CACHED: "cached",
    mlmd.Execution.FAILED: "failed",
    mlmd.Execution.RUNNING: "running",
}


@dataclass(frozen=True)
class TracedArtifact:
    """One artifact as a node saw it."""

    id: int
    key: str  # the node's name for it
    type: str
    uri: str
    properties: dict[str, Any]


@dataclass(frozen=True)
class TracedNode:
    """One node of a run."""

    id: str
    outcome: str  # ran, cached, failed, running or unknown
    execution: int
    started: datetime.datetime
    seconds: float
    inputs: list[TracedArtifact]
    outputs: list[TracedArtifact]
    made_in: str = ""  # the run whose outputs a cached node took


@dataclass(frozen=True)
class TracedRun:
    """One run of a pipeline."""

    run_id: str
    pipeline: str
    started: datetime.datetime
    nodes: list[TracedNode] = field(default_factory=list)

    def output(self, node: str, key: str) -> TracedArtifact | None:
        """Find a node's output; None where the run didn't get that far."""
        found = [artifact for traced in self.nodes if traced.id == node for artifact in traced.outputs if artifact.key == key]
        return found[0] if found else None


def read_runs(home: Home) -> list[TracedRun]:
    """Read all runs, newest first, their artifacts named by where the home is now.

    Args:
        home: The home; MLMD's file may be missing.

    Raises:
        UserError: The file can't be read.
    """
    metadata = home.metadata
    if not metadata.is_file() or not metadata.stat().st_size:
        return []
    undo_half_written(metadata)
    config = mlmd.ConnectionConfig()
    config.sqlite.filename_uri = str(metadata)
    config.sqlite.connection_mode = mlmd.SqliteMetadataSourceConfig.READONLY
    try:
        store = MetadataStore(config)
        return _Reader(store, home).runs()
    except (errors.StatusError, RuntimeError) as error:  # the latter where it is no database at all
        mend = "restore it, or set it aside with `forger doctor --mend`"
        raise UserError(f"the metadata {metadata} can't be read ({first_line(error)}): {mend}") from error


class _Reader:
    """Reads each kind of record once, however many runs there are."""

    def __init__(self, store: MetadataStore, home: Home) -> None:
        self._store = store
        self._here = functools.partial(moved, old=home.origin(), new=home.path)
        self._executions = {execution.id: execution for execution in store.get_executions()}
        self._artifacts = {artifact.id: artifact for artifact in store.get_artifacts()}
        self._types = {kind.id: kind.name for kind in store.get_artifact_types()}
        self._events: dict[int, list[mlmd.Event]] = {}
        for event in store.get_events_by_execution_ids(list(self._executions)) if self._executions else []:
            self._events.setdefault(event.execution_id, []).append(event)
        self._node_of = {
            execution.id: context.name.partition(".")[2]
            for context in store.get_contexts_by_type(_NODE)
            for execution in store.get_executions_by_context(context.id)
        }
        self._run_of: dict[int, str] = {}
        self._producer: dict[int, int] = {}  # artifact -> the execution that made it
        for number in sorted(self._executions):
            for event in self._events.get(number, []):
                if event.type == mlmd.Event.OUTPUT:
                    self._producer.setdefault(event.artifact_id, number)

    def runs(self) -> list[TracedRun]:
        # By number, not by time: a clock may have been wrong.
        contexts = sorted(self._store.get_contexts_by_type(_PIPELINE_RUN), key=lambda context: context.id)
        members = {}
        for context in contexts:
            members[context.id] = [execution.id for execution in self._store.get_executions_by_context(context.id)]
            self._run_of.update(dict.fromkeys(members[context.id], context.name))
        return [self._run(context, members[context.id]) for context in reversed(contexts)]

    def _run(self, context: mlmd.Context, executions: Iterable[int]) -> TracedRun:
        parents = [parent.name for parent in self._store.get_parent_contexts_by_context(context.id) if parent.type == _PIPELINE]
        # A node that was tried again has several executions: the last one tells what became of it.
        last = {self._node_of.get(number, "?"): number for number in sorted(executions)}
        nodes = [self._node(node, number) for node, number in last.items()]
        return TracedRun(context.name, "".join(parents[:1]), _when(context.create_time_since_epoch), nodes)

    def _node(self, node: str, number: int) -> TracedNode:
        execution = self._executions[number]
        events = self._events.get(number, [])
        outputs = [self._artifact(event) for event in events if event.type == mlmd.Event.OUTPUT]
        outcome = _OUTCOMES.get(execution.last_known_state, "unknown")
        maker = self._producer.get(outputs[0].id) if outputs and outcome == "cached" else None
        return TracedNode(
            id=node,
            outcome=outcome,
            execution=number,
            started=_when(execution.create_time_since_epoch),
            seconds=(execution.last_update_time_since_epoch - execution.create_time_since_epoch) / 1000,
            inputs=[self._artifact(event) for event in events if event.type == mlmd.Event.INPUT],
            outputs=outputs,
            made_in=self._run_of.get(maker, "") if maker is not None else "",
        )

    def _artifact(self, event: mlmd.Event) -> TracedArtifact:
        artifact = self._artifacts[event.artifact_id]
        properties = {name: _value(value) for name, value in artifact.custom_properties.items()}
        key = event.path.steps[0].key if event.path.steps else ""
        return TracedArtifact(artifact.id, key, self._types.get(artifact.type_id, ""), self._here(artifact.uri), properties)


def _value(value: mlmd.Value) -> Any:
    kind = value.WhichOneof("value")
    return getattr(value, kind) if kind else None


def _when(milliseconds: int) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(milliseconds / 1000, datetime.UTC)
