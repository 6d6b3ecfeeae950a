"""From the IR that TFX 1.21 compiles to one that open-source KFP v2 (and Vertex AI) can run.

Each difference, as read in tfx/orchestration/kubeflow/v2 and in kubeflow/pipelines backend/src/v2:
- KFP's compiler accepts container executors only, so a resolver or an importer is refused here, before the server does.
- TFX writes execution properties as constants of the compile time. Here they come from the Plan step, as one parameter a step, so
  that profile, seed, steps and dataset are decided when a run starts, and so that the digests in them are part of the cache key.
- `lifecycle.preCacheCheck` is not run by KFP; what it was for is done by Plan.
- TFX names producers of dynamic properties "<id>_task" and gives runtime parameters no default; Plan's outputs replace both.
- TFX writes no retry policy, no resources and no image of our own entrypoint.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import yaml
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2

from pipeline.kubeflow.cluster import NEVER_CACHED, PLAN, Cluster, Step
from pipeline.kubeflow.entrypoint import COMMAND, PROPERTIES, RUN_ID
from pipeline.kubeflow.lease import training_lease
from pipeline.kubeflow.parameters import Parameter
from pipeline.kubeflow.training_job import training_job
from pipeline.nodes import GAN_TRAINER, PUSHER

SCHEMA_VERSION = "2.1.0"
_GIB_IN_GB = 2**30 / 1e9
# As KFP's own components set it: without it, importing one of kfp's protos imports its compiler and client, too, 1 s a step.
_RUNTIME = ("_KFP_RUNTIME", "true")
_PLAN_COMMAND = ["python", "-m", "pipeline.kubeflow.plan"]
ParameterType = pipeline_spec_pb2.ParameterType
ContainerSpec = pipeline_spec_pb2.PipelineDeploymentConfig.PipelineContainerSpec


def rewrite(
    spec: pipeline_spec_pb2.PipelineSpec,
    cluster: Cluster,
    parameters: Mapping[str, Parameter],
    beam_args: list[str],
    sdk_version: str,
) -> pipeline_spec_pb2.PipelineSpec:
    """Return the spec that a cluster can run; the given one stays.

    Args:
        spec: As TFX compiled it, schema 2.1.0.
        cluster: Images, resources, retries.
        parameters: The pipeline's own, by name.
        beam_args: Arguments of the Beam executors.
        sdk_version: Recorded, so that a spec of another version is recognised.

    Raises:
        ValueError: A step that is no container.
    """
    result = pipeline_spec_pb2.PipelineSpec()
    result.CopyFrom(spec)
    result.schema_version = SCHEMA_VERSION
    result.sdk_version = sdk_version
    result.default_pipeline_root = cluster.pipeline_root
    deployment = json_format.ParseDict(
        json_format.MessageToDict(result.deployment_spec), pipeline_spec_pb2.PipelineDeploymentConfig()
    )
    for name, task in result.root.dag.tasks.items():
        component = result.components[task.component_ref.name]
        executor = deployment.executors[component.executor_label]
        if executor.WhichOneof("spec") != "container":
            raise ValueError(f"step {name}: KFP runs container steps only, not a {executor.WhichOneof('spec')}")
        executor.container.CopyFrom(_container(name, executor.container, component, cluster, beam_args))
        _take_properties(name, task, component)
        _set_policy(name, task, cluster)
    _add_plan(result, deployment, cluster, parameters)
    result.deployment_spec.Clear()
    result.deployment_spec.update(json_format.MessageToDict(deployment))
    return result


def _container(
    name: str,
    compiled: ContainerSpec,
    component: pipeline_spec_pb2.ComponentSpec,
    cluster: Cluster,
    beam_args: list[str],
) -> ContainerSpec:
    arguments = list(compiled.args)
    executor_class = arguments[arguments.index("--executor_class_path") + 1]
    types = {
        key: yaml.safe_load(artifact.artifact_type.instance_schema)["title"]
        for key, artifact in component.input_definitions.artifacts.items()
    }
    container = ContainerSpec(image=cluster.image_of(name), command=COMMAND)
    container.args.extend(["--executor_class", executor_class, "--input_types", json.dumps(types, sort_keys=True)])
    container.args.extend(["--home", cluster.home])
    if name == GAN_TRAINER and cluster.claim:
        container.args.extend(["--hold_lease", str(training_lease(Path(cluster.home)))])
    if cluster.hands_over(name):
        container.args.extend(["--training_job", json.dumps(training_job(cluster), sort_keys=True)])
    container.args.extend(["--executor_input", "{{$}}", *beam_args])
    _complete(name, container, cluster)
    return container


def _complete(name: str, container: ContainerSpec, cluster: Cluster) -> None:
    """Fill in environment and resources, these in both generations of fields as kfp's SDK does: older servers read numbers."""
    container.env.add(name=_RUNTIME[0], value=_RUNTIME[1])
    step, resources = Step() if cluster.hands_over(name) else cluster.step(name), container.resources
    resources.cpu_limit = resources.cpu_request = step.cpu
    resources.resource_cpu_limit = resources.resource_cpu_request = f"{step.cpu:g}"
    resources.memory_limit = resources.memory_request = round(step.memory_gib * _GIB_IN_GB, 3)
    resources.resource_memory_limit = resources.resource_memory_request = f"{step.memory_gib:g}Gi"
    if cluster.uses_gpu(name):
        resources.accelerator.type = resources.accelerator.resource_type = cluster.gpu_type
        resources.accelerator.count = cluster.gpus
        resources.accelerator.resource_count = str(cluster.gpus)


def _take_properties(name: str, task: pipeline_spec_pb2.PipelineTaskSpec, component: pipeline_spec_pb2.ComponentSpec) -> None:
    """Replace the constants by what Plan settles when the run starts."""
    component.input_definitions.parameters.clear()
    task.inputs.parameters.clear()
    component.input_definitions.parameters[PROPERTIES].parameter_type = ParameterType.STRING
    source = task.inputs.parameters[PROPERTIES].task_output_parameter
    source.producer_task, source.output_parameter_key = PLAN, name
    task.dependent_tasks.append(PLAN)
    if name == PUSHER:  # never cached, so a parameter that is new in each run costs nothing
        component.input_definitions.parameters[RUN_ID].parameter_type = ParameterType.STRING
        task.inputs.parameters[RUN_ID].runtime_value.constant.string_value = "{{$.pipeline_job_uuid}}"


def _set_policy(name: str, task: pipeline_spec_pb2.PipelineTaskSpec, cluster: Cluster) -> None:
    task.caching_options.Clear()
    task.caching_options.enable_cache = name not in NEVER_CACHED
    task.retry_policy.max_retry_count = cluster.retries
    task.retry_policy.backoff_duration.seconds = cluster.retry_wait_s
    task.retry_policy.backoff_factor = 2
    # Argo counts the attempts' own time, too: KFP's hour would leave a long training no retry.
    waits = cluster.retry_wait_s * 2**cluster.retries
    task.retry_policy.backoff_max_duration.seconds = cluster.step(name).timeout_s * (cluster.retries + 1) + waits


def _add_plan(
    spec: pipeline_spec_pb2.PipelineSpec,
    deployment: pipeline_spec_pb2.PipelineDeploymentConfig,
    cluster: Cluster,
    parameters: Mapping[str, Parameter],
) -> None:
    """Add the Plan step, and the pipeline's parameters, which only Plan reads."""
    label = f"{PLAN}_executor"
    component = spec.components[PLAN]
    component.executor_label = label
    for step in spec.root.dag.tasks:
        component.output_definitions.parameters[step].parameter_type = ParameterType.STRING
    task = spec.root.dag.tasks[PLAN]
    task.task_info.name = task.component_ref.name = PLAN
    for name, parameter in parameters.items():
        kind = ParameterType.ParameterTypeEnum.Value(parameter.kind)
        component.input_definitions.parameters[name].parameter_type = kind
        task.inputs.parameters[name].component_input_parameter = name
        declared = spec.root.input_definitions.parameters[name]
        declared.parameter_type, declared.description, declared.is_optional = kind, parameter.description, True
        json_format.ParseDict(parameter.default, declared.default_value)
    container = deployment.executors[label].container
    container.image = cluster.image_of(PLAN)
    container.command.extend(_PLAN_COMMAND)
    container.args.extend(["--home", cluster.home, "--cache_days", f"{cluster.cache_days:g}", "--executor_input", "{{$}}"])
    if cluster.look_in_store:
        container.args.extend(["--look", "--store_endpoint", cluster.store_endpoint])
    _complete(PLAN, container, cluster)
    _set_policy(PLAN, task, cluster)
