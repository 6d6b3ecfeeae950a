"""A compiled pipeline, read back from its file."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2

from pipeline.kubeflow.compiler import sdk_version
from serving.repository.errors import UserError

_AGAIN = "compile it again with `forger kubeflow compile`"


@dataclass(frozen=True)
class Package:
    """What the commands need to know of a compiled file.

    Attributes:
        path: The file.
        name: The pipeline's name on the server.
        version: Name of the pipeline version; the same content always has the same.
        kinds: KFP's parameter type of each pipeline parameter.
        defaults: What each of them is if a run doesn't say.
        pipeline_root: Where the runs' artifacts go.
    """

    path: Path
    name: str
    version: str
    kinds: dict[str, str]
    defaults: dict[str, Any]
    pipeline_root: str


def read_package(path: Path) -> Package:
    """Read and check a compiled file.

    Raises:
        UserError: It can't be read, is no pipeline of ours, or was compiled by another version.
    """
    try:
        text = path.read_text(encoding="utf-8")
        documents: list[Any] = list(yaml.safe_load_all(text))
        spec = json_format.ParseDict(documents[0], pipeline_spec_pb2.PipelineSpec())
        json_format.ParseDict(documents[1], pipeline_spec_pb2.PlatformSpec())
    except OSError as error:
        raise UserError(f"{path} can't be read ({error.strerror}): {_AGAIN}") from None
    except (ValueError, TypeError, AttributeError, IndexError, yaml.YAMLError, json_format.ParseError):
        raise UserError(f"{path} is no compiled pipeline: {_AGAIN}") from None
    if spec.sdk_version != sdk_version():
        raise UserError(f"{path} was compiled by {spec.sdk_version or 'something else'}, this is {sdk_version()}: {_AGAIN}")
    kind = pipeline_spec_pb2.ParameterType.ParameterTypeEnum.Name
    declared = spec.root.input_definitions.parameters
    return Package(
        path=path,
        name=spec.pipeline_info.name,
        version=f"{spec.pipeline_info.name}-{hashlib.sha256(text.encode()).hexdigest()[:12]}",
        kinds={name: kind(parameter.parameter_type) for name, parameter in declared.items()},
        defaults={name: json_format.MessageToDict(parameter.default_value) for name, parameter in declared.items()},
        pipeline_root=spec.default_pipeline_root,
    )
