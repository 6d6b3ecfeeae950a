"""KFP's driver: a step's inputs from what came before, its outputs, its cache key (backend/src/v2/driver, cacheutils)."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping
from typing import Any

from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2

from tests.support.kubeflow.pod import LOGS

_PYTHON_TYPES = {
    "STRING": str,
    "NUMBER_INTEGER": int | float,
    "NUMBER_DOUBLE": int | float,
    "STRUCT": dict,
    "LIST": list,
    "BOOLEAN": bool,
}
_TYPE_NAME = pipeline_spec_pb2.ParameterType.ParameterTypeEnum.Name


def run_parameters(root: pipeline_spec_pb2.ComponentSpec, given: Mapping[str, Any]) -> dict[str, Any]:
    """Check a run's parameters as the API server does, and fill in defaults."""
    declared = root.input_definitions.parameters
    assert set(given) <= set(declared), f"parameters not required by the pipeline: {set(given) - set(declared)}"
    values = {}
    for name, parameter in declared.items():
        if name in given:
            assert isinstance(given[name], _PYTHON_TYPES[_TYPE_NAME(parameter.parameter_type)]), f"wrong type of {name}"
            values[name] = given[name]
        else:
            assert parameter.HasField("default_value"), f"{name} has neither a value nor a default"
            values[name] = json_format.MessageToDict(parameter.default_value)
    return values


def resolve_inputs(
    task: pipeline_spec_pb2.PipelineTaskSpec,
    component: pipeline_spec_pb2.ComponentSpec,
    done: Mapping[str, dict[str, Any]],
    parameters: Mapping[str, Any],
    run_id: str,
) -> dict[str, Any]:
    """Make an executor input's inputs.

    Args:
        task: Of the DAG.
        component: Its definition.
        done: Artifacts and parameters of each step that has ended.
        parameters: The run's.
        run_id: What KFP calls the job's UUID.
    """
    values: dict[str, Any] = {}
    for name, spec in task.inputs.parameters.items():
        kind = spec.WhichOneof("kind")
        if kind == "component_input_parameter":
            values[name] = parameters[spec.component_input_parameter]
        elif kind == "task_output_parameter":
            source = spec.task_output_parameter
            values[name] = done[source.producer_task]["parameters"][source.output_parameter_key]
        else:
            assert spec.runtime_value.WhichOneof("value") == "constant", f"{name}: KFP resolves constants only"
            constant = json_format.MessageToDict(spec.runtime_value.constant)
            values[name] = run_id if constant == "{{$.pipeline_job_uuid}}" else constant
    for name, spec in component.input_definitions.parameters.items():
        assert isinstance(values[name], _PYTHON_TYPES[_TYPE_NAME(spec.parameter_type)]), f"input parameter {name} type mismatch"
    artifacts = {}
    for name, spec in task.inputs.artifacts.items():
        source = spec.task_output_artifact
        assert source.producer_task in task.dependent_tasks, f"{name}: {source.producer_task} is not waited for"
        artifacts[name] = {"artifacts": [done[source.producer_task]["artifacts"][source.output_artifact_key]]}
    return {"parameterValues": values, "artifacts": artifacts}


def provision_outputs(component: pipeline_spec_pb2.ComponentSpec, task: str, run_root: str) -> dict[str, Any]:
    """Make an executor input's outputs: URIs that no other attempt has, and the launcher's own log."""
    root = f"{run_root}/{task}/{uuid.uuid4()}"
    artifacts = {
        name: {"artifacts": [{"name": name, "uri": f"{root}/{name}", "type": json_format.MessageToDict(spec.artifact_type),
                              "metadata": json_format.MessageToDict(spec.metadata)}]}
        for name, spec in component.output_definitions.artifacts.items()
    }  # fmt: skip
    artifacts[LOGS] = {"artifacts": [{"name": LOGS, "uri": f"{root}/{LOGS}", "type": {"schemaTitle": "system.Artifact"}}]}
    parameters = {name: {"outputFile": f"/tmp/kfp/outputs/{name}"} for name in component.output_definitions.parameters}
    return {"artifacts": artifacts, "parameters": parameters, "outputFile": f"{root}/output_metadata.json"}


def fingerprint(
    executor_input: Mapping[str, Any],
    container: pipeline_spec_pb2.PipelineDeploymentConfig.PipelineContainerSpec,
    claims: list[str],
) -> str:
    """Hash what KFP's cache looks at: names of input artifacts, never their content, and no URI of an output."""
    inputs, outputs = executor_input["inputs"], executor_input["outputs"]
    key = {
        "artifacts": {name: [item["name"] for item in listed["artifacts"]] for name, listed in inputs["artifacts"].items()},
        "parameters": inputs["parameterValues"],
        "outputs": {
            name: [{key: value for key, value in item.items() if key != "uri"} for item in listed["artifacts"]]
            for name, listed in outputs["artifacts"].items()
        },
        "output_parameters": sorted(outputs["parameters"]),
        "container": [container.image, *container.command, *container.args],
        "claims": sorted(set(claims)),
    }
    return hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()


def record(output: Mapping[str, Any], number: int) -> dict[str, Any]:
    """Turn an output into what later steps are given: MLMD's number for a name, and no usable type."""
    metadata = output.get("metadata", {}) | {"display_name": output["name"], "store_session_info": "{}"}
    return {"name": str(number), "uri": output["uri"], "metadata": metadata, "type": {"instanceSchema": ""}}
