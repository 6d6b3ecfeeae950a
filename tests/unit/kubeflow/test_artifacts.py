"""URIs become the directories of KFP's launcher for the executor, and URIs again in what it says."""

from __future__ import annotations

import pytest
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2

from pipeline.kubeflow.artifacts import local_path, localize, restore


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("gs://bucket/a/b", "/gcs/bucket/a/b"),
        ("s3://bucket/a", "/s3/bucket/a"),
        ("minio://mlpipeline/v2/x", "/minio/mlpipeline/v2/x"),
        ("/tmp/kfp_outputs/output_metadata.json", "/tmp/kfp_outputs/output_metadata.json"),
    ],
)
def test_uris_have_the_launchers_directories(uri: str, path: str) -> None:
    assert local_path(uri) == path


def test_another_scheme_is_refused() -> None:
    with pytest.raises(ValueError, match="oci://x/y"):
        local_path("oci://x/y")


def test_an_executor_input_is_made_tfxs() -> None:
    message = json_format.ParseDict(
        {
            "inputs": {
                "artifacts": {"examples": {"artifacts": [{"name": "7", "uri": "s3://b/in", "type": {"instanceSchema": ""}}]}}
            },
            "outputs": {
                "artifacts": {
                    "model": {"artifacts": [{"uri": "s3://b/out/model", "type": {"schemaTitle": "tfx.Model"}}]},
                    "run": {"artifacts": [{"uri": "s3://b/out/run", "customPath": "/elsewhere", "type": {"schemaTitle": "x"}}]},
                    "executor-logs": {"artifacts": [{"uri": "s3://b/out/logs", "type": {"schemaTitle": "system.Artifact"}}]},
                },
                "outputFile": "/s3/b/out/output_metadata.json",
            },
        },
        pipeline_spec_pb2.ExecutorInput(),
    )
    uris = localize(message, {"examples": "tfx.Examples"})
    assert uris == {"/s3/b/in": "s3://b/in", "/s3/b/out/model": "s3://b/out/model", "/elsewhere": "s3://b/out/run"}
    assert set(message.outputs.artifacts) == {"model", "run"}
    (examples,) = message.inputs.artifacts["examples"].artifacts
    assert (examples.uri, examples.type.schema_title) == ("/s3/b/in", "tfx.Examples")
    assert message.outputs.artifacts["model"].artifacts[0].type.schema_title == "tfx.Model"


def test_paths_become_uris_again_wherever_they_stand() -> None:
    uris = {"/s3/b/model": "s3://b/model", "/s3/b/model/sub": "minio://c/sub"}
    said = {"uri": "/s3/b/model", "list": ["/s3/b/model/sub/x", "/s3/b/models", 3], "deep": {"text": "see /s3/b/model"}}
    assert restore(said, uris) == {
        "uri": "s3://b/model",
        "list": ["minio://c/sub/x", "/s3/b/models", 3],
        "deep": {"text": "see /s3/b/model"},
    }
