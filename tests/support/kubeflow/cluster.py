"""A KFP v2 cluster in one process: it runs a compiled pipeline's real commands, with caching and retries."""

from __future__ import annotations

import copy
import itertools
import re
import shutil
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from google.protobuf import json_format
from kfp.kubernetes import kubernetes_executor_config_pb2 as kubernetes
from kfp.pipeline_spec import pipeline_spec_pb2

from tests.support.kubeflow import driver
from tests.support.kubeflow.pod import LOGS, Pod, StepFailed
from tests.support.kubeflow.store import ObjectStore


class RunFailed(Exception):
    """A step failed in all its attempts; `attempts` says how many, the text is the last log."""

    def __init__(self, step: str, attempts: int, log: str, run: Run) -> None:
        super().__init__(log)
        self.step, self.attempts, self.run = step, attempts, run


@dataclass
class Run:
    """What became of a run.

    Attributes:
        outcomes: "ran" or "cached" of each step, in order.
        seconds: Wall time of each step that ran, copies in and out included.
        artifacts: "STEP.KEY" -> URI and metadata.
        attempts: How often each step's container was started.
    """

    run_id: str
    outcomes: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    artifacts: dict[str, dict[str, Any]] = field(default_factory=dict)
    attempts: dict[str, int] = field(default_factory=dict)

    @property
    def ran(self) -> list[str]:
        """The steps whose containers were started."""
        return [step for step, outcome in self.outcomes.items() if outcome == "ran"]


class Cluster:
    """Object store, volumes, cache and metadata of a cluster, below one directory."""

    def __init__(self, directory: Path) -> None:
        """Start empty."""
        self.directory = directory
        self.store = ObjectStore(directory / "store")
        self.volumes = directory / "volumes"
        self.secrets: dict[str, dict[str, str]] = {}
        self._cache: dict[str, dict[str, Any]] = {}
        self._ids = itertools.count(1)

    def run(
        self, text: str, parameters: dict[str, Any] | None = None, interrupt: dict[str, Callable[[], bool]] | None = None
    ) -> Run:
        """Run a compiled pipeline.

        Args:
            text: The file's content.
            parameters: The run's; the others have their defaults.
            interrupt: By step: asked during its first attempt, True kills the pod.

        Raises:
            RunFailed: A step failed in all its attempts.
        """
        spec, deployment, configs = parse(text)
        values = driver.run_parameters(spec.root, parameters or {})
        run = Run(str(uuid.uuid4()))
        run_root = f"{spec.default_pipeline_root}/{spec.pipeline_info.name}/{run.run_id}"
        done: dict[str, dict[str, Any]] = {}
        for name in _in_order(spec.root.dag.tasks):
            task = spec.root.dag.tasks[name]
            component = spec.components[task.component_ref.name]
            container = deployment.executors[component.executor_label].container
            config = configs.get(component.executor_label, kubernetes.KubernetesExecutorConfig())
            executor_input = {
                "inputs": driver.resolve_inputs(task, component, done, values, run.run_id),
                "outputs": driver.provision_outputs(component, name, run_root),
            }
            claims = [mount.pvc_name_parameter.runtime_value.constant.string_value for mount in config.pvc_mount]
            key = driver.fingerprint(executor_input, container, claims)
            if task.caching_options.enable_cache and key in self._cache:
                done[name], run.outcomes[name] = self._cache[key], "cached"
            else:
                began = time.monotonic()
                lost = (interrupt or {}).get(name)
                answer = self._attempt(name, task, container, config, executor_input, run, run_root, lost)
                run.seconds[name] = time.monotonic() - began
                run.outcomes[name] = "ran"
                done[name] = self._record(executor_input, answer, component)
                if task.caching_options.enable_cache:
                    self._cache[key] = done[name]
            run.artifacts |= {f"{name}.{key}": artifact for key, artifact in done[name]["artifacts"].items()}
        return run

    def _attempt(
        self,
        name: str,
        task: pipeline_spec_pb2.PipelineTaskSpec,
        container: pipeline_spec_pb2.PipelineDeploymentConfig.PipelineContainerSpec,
        config: kubernetes.KubernetesExecutorConfig,
        executor_input: dict[str, Any],
        run: Run,
        run_root: str,
        interrupt: Callable[[], bool] | None,
    ) -> dict[str, Any]:
        """Start pods until one ends well; the waits between them are left out."""
        for attempt in range(task.retry_policy.max_retry_count + 1):
            run.attempts[name] = attempt + 1
            pod = Pod(self.directory / f"pod-{uuid.uuid4()}", self.store, self.volumes, self.secrets)
            given = copy.deepcopy(executor_input)
            try:
                answer = pod.run(container, config, given, run_root, attempt, None if attempt else interrupt)
                executor_input["outputs"] = given["outputs"]
                return answer
            except StepFailed as error:
                log = str(error)
            finally:
                shutil.rmtree(pod.directory, ignore_errors=True)
        raise RunFailed(name, run.attempts[name], log, run)

    def _record(
        self, executor_input: dict[str, Any], answer: dict[str, Any], component: pipeline_spec_pb2.ComponentSpec
    ) -> dict[str, Any]:
        parameters = answer.get("parameterValues", {})
        assert set(component.output_definitions.parameters) <= set(parameters), "output parameters are missing"
        artifacts = {
            key: driver.record(listed["artifacts"][0], next(self._ids))
            for key, listed in executor_input["outputs"]["artifacts"].items()
            if key != LOGS
        }
        return {"parameters": parameters, "artifacts": artifacts}


def parse(
    text: str,
) -> tuple[
    pipeline_spec_pb2.PipelineSpec, pipeline_spec_pb2.PipelineDeploymentConfig, dict[str, kubernetes.KubernetesExecutorConfig]
]:
    """Parse a compiled pipeline as strictly as KFP's API server; an unknown field is an error."""
    pipeline, platform = yaml.safe_load_all(text)
    spec = json_format.ParseDict(pipeline, pipeline_spec_pb2.PipelineSpec())
    assert spec.schema_version == "2.1.0"
    assert re.fullmatch(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*", spec.pipeline_info.name)
    deployment = json_format.ParseDict(pipeline["deploymentSpec"], pipeline_spec_pb2.PipelineDeploymentConfig())
    kinds = {label: executor.WhichOneof("spec") for label, executor in deployment.executors.items()}
    assert set(kinds.values()) == {"container"}, f"non-container and non-importer executor not implemented: {kinds}"
    json_format.ParseDict(platform, pipeline_spec_pb2.PlatformSpec())
    executors = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    configs = {label: json_format.ParseDict(config, kubernetes.KubernetesExecutorConfig()) for label, config in executors.items()}
    assert set(configs) <= set(deployment.executors)
    return spec, deployment, configs


def _in_order(tasks: Any) -> list[str]:
    """Sort a DAG's tasks so that each comes after those it waits for."""
    order: list[str] = []
    while len(order) < len(tasks):
        ready = [name for name in sorted(tasks) if name not in order and set(tasks[name].dependent_tasks) <= set(order)]
        assert ready, f"a circle among {set(tasks) - set(order)}"
        order.extend(ready)
    return order
