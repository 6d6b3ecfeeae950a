"""Between KFP's artifact URIs and the directories where its launcher places and collects them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kfp.pipeline_spec import pipeline_spec_pb2

# Where KFP's launcher keeps each store's objects in the pod (LocalPathForURI in launcher_v2.go); Vertex AI mounts /gcs.
_MOUNTS = {"gs://": "/gcs/", "s3://": "/s3/", "minio://": "/minio/"}
# KFP adds this output where it publishes logs; TFX knows no class for its type, and nothing of ours writes it.
LOGS = "executor-logs"


def local_path(uri: str) -> str:
    """Return the pod's path of an artifact URI; what is no URI of an object store stays.

    Raises:
        ValueError: A scheme that KFP's launcher has no directory for.
    """
    for scheme, mount in _MOUNTS.items():
        if uri.startswith(scheme):
            return mount + uri.removeprefix(scheme)
    if "://" in uri:
        raise ValueError(f"artifact {uri}: KFP keeps artifacts in {', '.join(_MOUNTS)} only")
    return uri


def localize(executor_input: pipeline_spec_pb2.ExecutorInput, input_types: Mapping[str, str]) -> dict[str, str]:
    """Make an executor input one that TFX can work with, in place.

    URIs become paths, the launcher's log output goes, and inputs get their types back: KFP's driver hands artifacts of upstream
    steps on without one.

    Args:
        executor_input: As the launcher fills it in.
        input_types: Schema title of each input artifact, e.g. "tfx.Examples".

    Returns:
        URI of each path.
    """
    if LOGS in executor_input.outputs.artifacts:
        del executor_input.outputs.artifacts[LOGS]
    uris = {}
    for artifacts in (executor_input.inputs.artifacts, executor_input.outputs.artifacts):
        for key, listed in artifacts.items():
            for artifact in listed.artifacts:
                path = artifact.custom_path or local_path(artifact.uri)
                uris[path] = artifact.uri
                artifact.uri = path
                if artifacts is executor_input.inputs.artifacts or not artifact.type.WhichOneof("kind"):
                    artifact.type.Clear()
                    artifact.type.schema_title = input_types.get(key, "tfx.Artifact")
    if executor_input.outputs.output_file:
        executor_input.outputs.output_file = local_path(executor_input.outputs.output_file)
    return uris


def restore(value: Any, uris: Mapping[str, str]) -> Any:
    """Put URIs back for the paths in a JSON value, whole or as a leading part."""
    if isinstance(value, dict):
        return {key: restore(item, uris) for key, item in value.items()}
    if isinstance(value, list):
        return [restore(item, uris) for item in value]
    if isinstance(value, str):
        for path in sorted(uris, key=len, reverse=True):
            if value == path or value.startswith(path + "/"):
                return uris[path] + value.removeprefix(path)
    return value
