"""Several workers: the step hands over to a TFJob, whose replicas are processes here, and brings the chief's outputs back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from pipeline.kubeflow.cluster import Cluster, resolve_cluster
from pipeline.kubeflow.compiler import compile_pipeline
from pipeline.kubeflow.entrypoint import main
from pipeline.kubeflow.training_job import hand_over, training_job
from tests.support.kubeflow.cluster import parse
from tests.support.kubeflow.training_operator import Operator, serving

CLUSTER = Cluster(
    image="forger:1",
    pipeline_root="s3://b/forger",
    workers=2,
    gpus=2,
    gpu_image="forger:1-gpu",
    gpu_tolerations=[{"key": "nvidia.com/gpu"}],
    secrets=[{"name": "store", "env": {"key": "AWS_ACCESS_KEY_ID"}}],
)


@pytest.fixture
def operator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Operator]:
    """A training operator, where the kubeconfig says."""
    found = Operator(tmp_path)
    with serving(found) as url:
        context = {"name": "x", "context": {"cluster": "x", "user": "x"}}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "x",
            "contexts": [context],
            "clusters": [{"name": "x", "cluster": {"server": url}}],
            "users": [{"name": "x", "user": {}}],
        }
        (tmp_path / "kubeconfig").write_text(yaml.safe_dump(config))
        monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
        monkeypatch.setattr("pipeline.kubeflow.training_job._POLL_S", 0.1)
        yield found


def _arguments(directory: Path) -> list[str]:
    """The command line that the step gets from KFP's launcher, with its input in place."""
    examples = directory / "pod" / "examples"
    examples.mkdir(parents=True)
    (examples / "data").write_text("digits")
    executor_input = {
        "inputs": {
            "parameterValues": {"properties": json.dumps({})},
            "artifacts": {"examples": {"artifacts": [{"name": "3", "uri": "s3://b/examples", "customPath": str(examples)}]}},
        },
        "outputs": {
            "artifacts": {
                "model": {
                    "artifacts": [
                        {
                            "name": "model",
                            "uri": "s3://b/run/model",
                            "type": {"schemaTitle": "tfx.Model"},
                            "customPath": str(directory / "pod" / "model"),
                        }
                    ]
                },
                "executor-logs": {"artifacts": [{"uri": "s3://b/run/logs", "type": {"schemaTitle": "system.Artifact"}}]},
            },
            "outputFile": str(directory / "pod" / "output_metadata.json"),
        },
    }
    return [
        *("--executor_class", "tests.support.kubeflow.recording_executor.Executor"),
        *("--input_types", json.dumps({"examples": "tfx.Examples"})),
        *("--home", str(directory / "home"), "--training_job", json.dumps(training_job(CLUSTER))),
        *("--executor_input", json.dumps(executor_input), "--direct_num_workers=1"),
    ]


def test_the_chiefs_outputs_come_back_with_the_stores_uris(operator: Operator, tmp_path: Path) -> None:
    assert main(_arguments(tmp_path)) == 0
    model = json.loads((tmp_path / "pod/model/model.json").read_text())
    assert model["examples"] == "digits"
    assert {kind: len(addresses) for kind, addresses in model["cluster"].items()} == {"chief": 1, "worker": 1}
    said = json.loads((tmp_path / "pod/output_metadata.json").read_text())
    (artifact,) = said["artifacts"]["model"]["artifacts"]
    assert artifact["uri"] == artifact["metadata"]["trained_in"] == "s3://b/run/model"
    assert operator.deleted == list(operator.jobs)
    assert not list((tmp_path / "home").rglob("*.json"))


def test_a_failed_job_fails_the_step_and_leaves_nothing(operator: Operator, tmp_path: Path) -> None:
    arguments = _arguments(tmp_path)
    executor_input = arguments[arguments.index("--executor_input") + 1]
    with pytest.raises(RuntimeError, match="failed: a replica exited with status 1"):
        hand_over(training_job(CLUSTER), tmp_path / "home", ["false"], executor_input)
    assert operator.deleted == list(operator.jobs)
    assert not list((tmp_path / "home").rglob("*.json"))
    assert not (tmp_path / "pod/output_metadata.json").exists()


def test_the_manifest_and_the_step_that_waits_ask_for_what_they_need() -> None:
    spec, deployment, _ = parse(compile_pipeline("smoke", [], CLUSTER, []))
    container = deployment.executors["GanTrainer_executor"].container
    arguments = list(container.args)
    job = json.loads(arguments[arguments.index("--training_job") + 1])
    assert (container.image, container.resources.accelerator.resource_count) == ("forger:1", "")
    replicas = job["spec"]["tfReplicaSpecs"]
    assert {kind: replica["replicas"] for kind, replica in replicas.items()} == {"Chief": 1, "Worker": 1}
    pod = replicas["Worker"]["template"]["spec"]
    assert pod["containers"][0]["image"] == "forger:1-gpu"
    assert pod["containers"][0]["resources"]["limits"] == {"cpu": "4", "memory": "8Gi", "nvidia.com/gpu": 2}
    assert pod["volumes"] == [{"name": "home", "persistentVolumeClaim": {"claimName": "forger"}}]
    assert pod["tolerations"] == [{"key": "nvidia.com/gpu", "operator": "Exists"}]
    assert pod["containers"][0]["env"][0]["valueFrom"] == {"secretKeyRef": {"name": "store", "key": "key"}}
    assert "GanTrainer" in spec.root.dag.tasks


def test_workers_without_a_shared_volume_are_refused(tmp_path: Path) -> None:
    from serving.repository.errors import UserError

    file = tmp_path / "cluster.yaml"
    file.write_text("workers: 2\nclaim: ''\n")
    with pytest.raises(UserError, match="several workers need a volume"):
        resolve_cluster(file, image="x", pipeline_root="gs://b")
