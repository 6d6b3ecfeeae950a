"""Run the pipeline on this machine, and go on with an interrupted run."""

from __future__ import annotations

import datetime
import functools
import hashlib
import json
import logging
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from ml_metadata.proto import metadata_store_pb2
from tfx.dsl.compiler import compiler, constants
from tfx.orchestration import metadata
from tfx.orchestration.local import runner_utils
from tfx.orchestration.portable import beam_executor_operator, launcher, runtime_parameter_utils
from tfx.proto.orchestration import pipeline_pb2
from tfx.proto.orchestration.executable_spec_pb2 import BeamExecutableSpec

from components.codehash import code_digest
from components.ingest.record import PreparedDataset
from pipeline.config import Config
from pipeline.engines.base import Engine, job_prefix
from pipeline.home.damaged import naming_damaged_artifact
from pipeline.home.home import Home
from pipeline.home.run_record import NodeRecord, RunRecord, load_all, load_last
from pipeline.home.store import prepare_store
from pipeline.nodes import PUSHER
from pipeline.pipeline import Places, create_pipeline, places_in
from pipeline.runner.cache import keys_without_home
from pipeline.runner.conclude import conclude
from serving.repository.errors import first_line
from serving.repository.layout import model_name
from serving.repository.manifest import manifest_problem

_LOGGER = logging.getLogger(__name__)
_RUN_ID = "%Y%m%d-%H%M%S-%f"


class NodeObserver(Protocol):
    """Who is told of each node, e.g. `pipeline.terminal.run.RunView`."""

    def started(self, node_id: str, number: int, total: int) -> None:
        """Called when a node starts."""

    def ended(self, node: NodeRecord) -> None:
        """Called when a node has ended well."""


def run_nodes(
    config: Config, profile: str, prepared: PreparedDataset, home: Home, observers: Sequence[NodeObserver], engine: Engine
) -> RunRecord:
    """Run all nodes that are not done yet.

    Args:
        config: All settings.
        profile: The profile's name, for the record.
        prepared: The dataset on disk.
        home: The home, held by this process.
        observers: Told of each node.
        engine: Where the Beam steps run.

    Returns:
        The run's record, with the gate's verdict.

    Raises:
        UserError: What a component refuses.
    """
    name = model_name(config.data.dataset)
    places = places_in(home, config, prepared, pipeline_name=name, pipeline_root=str(home.pipeline_root))
    ir = _compile(config, prepared, home, places)
    digest = _digest(config, prepared, places)
    last = load_last(home.runs)
    if last is not None and last.state == "running" and last.pipeline_digest == digest:
        record = last  # it was interrupted: go on with it
    else:
        now = datetime.datetime.now(datetime.UTC)
        record = RunRecord(
            run_id=_next_run_id(now, last),
            state="running",
            started=now.isoformat(timespec="seconds"),
            profile=profile,
            config=config.model_dump(mode="json"),
            pipeline_digest=digest,
            training_key=places.training_key,
        )
    record.nodes = []
    record.save(home.runs)
    runtime_parameter_utils.substitute_runtime_parameter(ir, {constants.PIPELINE_RUN_ID_PARAMETER_NAME: record.run_id})
    try:
        outputs = _launch(ir, home, observers, record, engine)
        conclude(record, outputs, home)
    except Exception as error:
        record.state = "failed"
        record.reason = ": ".join([*getattr(error, "__notes__", []), first_line(error)])
        raise
    finally:
        # After Ctrl-C it stays "running": the next run goes on with it.
        record.save(home.runs)
    return record


def _next_run_id(now: datetime.datetime, last: RunRecord | None) -> str:
    """Name a run by the time it begins; after the last one also where the clock was ahead of time then: ids only grow."""
    name = now.strftime(_RUN_ID)
    if last is None or last.run_id < name:
        return name
    try:
        after = datetime.datetime.strptime(last.run_id, _RUN_ID) + datetime.timedelta(seconds=1)
    except (ValueError, OverflowError):
        return f"{last.run_id}+"
    return after.strftime(_RUN_ID)


def _digest(config: Config, prepared: PreparedDataset, places: Places) -> str:
    """Hash what decides the compiled pipeline; the compiled form itself serialises differently in each process.

    What is served is a part of it: within one run TFX takes up a finished node again without a look at its parameters.
    """
    decisive = [
        config.model_dump(mode="json"),
        prepared.digest,
        places.baseline,
        code_digest("components", "pipeline", "serving/repository"),
    ]
    return hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()


def _compile(config: Config, prepared: PreparedDataset, home: Home, places: Places) -> pipeline_pb2.Pipeline:
    connection = _connection(home)
    return compiler.Compiler().compile(create_pipeline(config, prepared, places, connection))


def _launch(
    ir: pipeline_pb2.Pipeline, home: Home, observers: Sequence[NodeObserver], record: RunRecord, engine: Engine
) -> dict[str, Any]:
    """Launch node after node, as TFX's LocalDagRunner does; returns the output artifacts by "node.key"."""
    deployment = runner_utils.extract_local_deployment_config(ir)
    connection = _connection(home)
    prepare_store(home)
    _remove_partial_outputs(connection, record.run_id, home.pipeline_root)
    outputs: dict[str, Any] = {}
    for number, node in enumerate(ir.nodes, start=1):
        node_id = node.pipeline_node.node_info.id
        if node_id == PUSHER and _push_is_lost(record, home):
            node.pipeline_node.execution_options.caching_options.enable_cache = False
        for observer in observers:
            observer.started(node_id, number, len(ir.nodes))
        began, began_ms = time.monotonic(), time.time() * 1000
        # TFX types this for its operator classes; anything that makes an operator serves.
        operators: Any = {
            BeamExecutableSpec: functools.partial(_beam_operator, engine.beam_args(f"{job_prefix(home.path)}-{node_id.lower()}"))
        }
        try:
            with keys_without_home(home.path), naming_damaged_artifact(home.pipeline_root, node_id):
                launched = launcher.Launcher(
                    pipeline_node=node.pipeline_node,
                    mlmd_connection=metadata.Metadata(connection),
                    pipeline_info=ir.pipeline_info,
                    pipeline_runtime_spec=ir.runtime_spec,
                    executor_spec=runner_utils.extract_executor_spec(deployment, node_id),
                    custom_driver_spec=runner_utils.extract_custom_driver_spec(deployment, node_id),
                    custom_executor_operators=operators,
                ).launch()
        except Exception as error:
            error.add_note(node_id)
            raise
        with metadata.Metadata(connection) as handle:
            if launched is None or launched.execution_id is None:
                raise RuntimeError(f"TFX did not run {node_id}")  # it does so only for conditional nodes, and we have none
            (execution,) = handle.store.get_executions_by_id([launched.execution_id])
            outputs.update({f"{node_id}.{key}": artifact for key, artifact in _outputs_of(handle.store, execution.id).items()})
        fresh = execution.last_known_state == execution.COMPLETE and execution.last_update_time_since_epoch >= began_ms
        done = NodeRecord(id=node_id, outcome="ran" if fresh else "cached", seconds=round(time.monotonic() - began, 2))
        record.nodes.append(done)
        record.save(home.runs)
        for observer in observers:
            observer.ended(done)
    return outputs


def _beam_operator(
    beam_args: list[str], executor_spec: BeamExecutableSpec, platform_config: Any = None
) -> beam_executor_operator.BeamExecutorOperator:
    """Make TFX's own operator of Beam executors, told of the engine only now: the cache's key was made without it."""
    spec = BeamExecutableSpec()
    spec.CopyFrom(executor_spec)
    for argument in beam_args:
        spec.beam_pipeline_args_placeholders.add().value.string_value = argument
    return beam_executor_operator.BeamExecutorOperator(spec, platform_config)


def _push_is_lost(record: RunRecord, home: Home) -> bool:
    """Say whether this very model was pushed once and is gone or damaged: the cache would claim what can't be served."""
    pushed = [past for past in load_all(home.runs) if past.state == "blessed" and past.training_key == record.training_key]
    places = [Path(past.pushed_path) for past in pushed]
    return bool(pushed) and not any(place.is_dir() and manifest_problem(place) is None for place in places)


def _connection(home: Home) -> metadata_store_pb2.ConnectionConfig:
    return metadata.sqlite_metadata_connection_config(str(home.metadata))


def _outputs_of(store: Any, execution_id: int) -> dict[str, metadata_store_pb2.Artifact]:
    """Return an execution's output artifacts by key; every node of ours has one artifact a key."""
    events = [event for event in store.get_events_by_execution_ids([execution_id]) if event.type == event.OUTPUT]
    artifacts = {artifact.id: artifact for artifact in store.get_artifacts_by_id([event.artifact_id for event in events])}
    return {event.path.steps[0].key: artifacts[event.artifact_id] for event in events}


def _remove_partial_outputs(connection: metadata_store_pb2.ConnectionConfig, run_id: str, root: Path) -> None:
    """Remove what a killed node had written: the same execution writes there again, and a reader takes every file it finds."""
    with metadata.Metadata(connection) as handle:
        context = handle.store.get_context_by_type_and_name("pipeline_run", run_id)
        executions = handle.store.get_executions_by_context(context.id) if context else []
    for execution in executions:
        if execution.last_known_state == execution.RUNNING:
            for directory in root.glob(f"*/*/{execution.id}"):
                _LOGGER.info("removing the unfinished %s", directory)
                shutil.rmtree(directory)
