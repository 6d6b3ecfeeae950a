"""The GAN's training on several workers: the step hands over to a TFJob of Kubeflow's training operator and waits for it.

The operator tells each replica in TF_CONFIG who the others are; `components.gan.training.devices` makes the strategy of it. What
the step gets and gives passes through the home on the shared volume, because KFP's launcher serves the step's own pod alone.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import time
import uuid
from pathlib import Path
from typing import Any

from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2

from pipeline.kubeflow.artifacts import LOGS, local_path
from pipeline.kubeflow.cluster import Cluster
from pipeline.nodes import GAN_TRAINER

_GROUP, _VERSION, _PLURAL = "kubeflow.org", "v1", "tfjobs"
_NAMESPACE_FILE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
_HANDOVERS = "handovers"  # in the home
_POLL_S = 5.0
_LOGGER = logging.getLogger("forger.training_job")


def training_job(cluster: Cluster) -> dict[str, Any]:
    """Make the TFJob's manifest; name, namespace and command are filled in when a training starts.

    Args:
        cluster: Image, resources and placement are those of the GAN's trainer; a chief and `workers - 1` workers.
    """
    step = cluster.step(GAN_TRAINER)
    resources: dict[str, Any] = {"cpu": f"{step.cpu:g}", "memory": f"{step.memory_gib:g}Gi"}
    if cluster.gpus:
        resources[cluster.gpu_type] = cluster.gpus
    container = {
        "name": "tensorflow",  # the operator looks for this name
        "image": cluster.gpu_image if cluster.gpus and cluster.gpu_image else cluster.image,
        "resources": {"limits": resources, "requests": resources},
        "volumeMounts": [{"name": "home", "mountPath": cluster.home}],
        "env": [
            {"name": variable, "valueFrom": {"secretKeyRef": {"name": secret.name, "key": key}}}
            for secret in cluster.secrets
            for key, variable in secret.env.items()
        ],
    }
    pod = {
        "containers": [container],
        "volumes": [{"name": "home", "persistentVolumeClaim": {"claimName": cluster.claim}}],
        "nodeSelector": cluster.gpu_node_selector if cluster.gpus and cluster.gpu_node_selector else cluster.node_selector,
        "tolerations": [
            {key: value for key, value in toleration.model_dump().items() if value}
            for toleration in [*cluster.tolerations, *(cluster.gpu_tolerations if cluster.gpus else [])]
        ],
        "imagePullSecrets": [{"name": cluster.image_pull_secret}] if cluster.image_pull_secret else [],
    }
    # A replica that fails ends the job: the step's own retry then goes on from the checkpoint with all of them.
    replica = {"restartPolicy": "Never", "template": {"spec": pod}}
    return {
        "apiVersion": f"{_GROUP}/{_VERSION}",
        "kind": "TFJob",
        "metadata": {},
        "spec": {
            "runPolicy": {"cleanPodPolicy": "Running", "activeDeadlineSeconds": step.timeout_s, "ttlSecondsAfterFinished": 3600},
            "tfReplicaSpecs": {"Chief": {"replicas": 1, **replica}, "Worker": {"replicas": cluster.workers - 1, **replica}},
        },
    }


def hand_over(job: dict[str, Any], home: Path, command: list[str], executor_input_json: str) -> None:
    """Run a step's command in all replicas of a job, and bring back what the chief wrote.

    Args:
        job: Of `training_job`.
        home: The home on the shared volume.
        command: The step's, without its executor input.
        executor_input_json: As KFP's launcher filled it in.

    Raises:
        RuntimeError: The job failed.
    """
    name = f"forger-gan-{uuid.uuid4().hex[:10]}"
    shared = home / _HANDOVERS / name
    given = json_format.Parse(executor_input_json, pipeline_spec_pb2.ExecutorInput(), ignore_unknown_fields=True)
    inputs, outputs = _share(given, shared)
    output_file = local_path(given.outputs.output_file)
    given.outputs.output_file = str(shared / "output_metadata.json")
    file = shared / "executor_input.json"
    try:
        for local, copy in inputs.items():
            shutil.copytree(local, copy)
        file.write_text(json_format.MessageToJson(given), encoding="utf-8")
        _run(job, name, [*command, "--executor_input", f"@{file}"])
        for local, copy in outputs.items():
            shutil.copytree(copy, local, dirs_exist_ok=True)
        Path(output_file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(shared / "output_metadata.json", output_file)
    finally:
        shutil.rmtree(shared, ignore_errors=True)


def _share(given: pipeline_spec_pb2.ExecutorInput, shared: Path) -> tuple[dict[str, Path], dict[str, Path]]:
    """Point all artifacts to the shared directory, in place; returns where each local path of inputs and outputs has its copy."""
    given.outputs.artifacts.pop(LOGS, None)
    copies: tuple[dict[str, Path], dict[str, Path]] = ({}, {})
    for side, artifacts, found in zip(("in", "out"), (given.inputs.artifacts, given.outputs.artifacts), copies, strict=True):
        for key, listed in artifacts.items():
            for artifact in listed.artifacts:
                copy = shared / side / key
                found[artifact.custom_path or local_path(artifact.uri)] = copy
                artifact.custom_path = str(copy)
    (shared / "out").mkdir(parents=True)
    return copies


def _run(job: dict[str, Any], name: str, command: list[str]) -> None:
    """Create the job, wait for its end, and delete it."""
    import kubernetes

    if file := os.environ.get("KUBECONFIG"):
        kubernetes.config.load_kube_config(file)
    else:
        kubernetes.config.load_incluster_config()
    job = json.loads(json.dumps(job))  # the two replicas' templates are one object before
    job["metadata"]["name"] = name
    for replica in job["spec"]["tfReplicaSpecs"].values():
        replica["template"]["spec"]["containers"][0]["command"] = command
    namespace = _NAMESPACE_FILE.read_text(encoding="utf-8").strip() if _NAMESPACE_FILE.exists() else "default"
    jobs: Any = kubernetes.client.CustomObjectsApi()
    place = (_GROUP, _VERSION, namespace, _PLURAL)
    jobs.create_namespaced_custom_object(*place, job)
    _LOGGER.info("training in TFJob %s/%s", namespace, name)
    try:
        while not (ended := _ended(jobs.get_namespaced_custom_object(*place, name))):
            time.sleep(_POLL_S)
    finally:
        jobs.delete_namespaced_custom_object(*place, name)
    if ended["type"] != "Succeeded":
        raise RuntimeError(f"TFJob {namespace}/{name} failed: {ended.get('message') or ended.get('reason')}")


def _ended(job: dict[str, Any]) -> dict[str, Any] | None:
    """Return the condition that ends a job, None while it runs."""
    conditions = job.get("status", {}).get("conditions", [])
    return next((each for each in conditions if each["type"] in ("Succeeded", "Failed") and each["status"] == "True"), None)
