"""The TFJob of Kubeflow's training operator that trains the GAN on several workers: its manifest, its life.

A job never outlives its step by much: it goes when the step ends, SIGTERM included, and with the step's pod, which owns it. Where
the step was killed and its pod stays, the replicas end by themselves once the step's lease on the home falls silent, and the next
step first removes the job that it finds, because the name is always the same.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import time
from collections.abc import Callable
from typing import Any

import urllib3

from pipeline.kubeflow.access import connect_kubernetes, own_namespace
from pipeline.kubeflow.cluster import Cluster
from pipeline.nodes import GAN_TRAINER
from serving.repository.errors import flat_message

_GROUP, _VERSION, _PLURAL = "kubeflow.org", "v1", "tfjobs"
_POLL_S = 5.0
_TIMEOUT_S = 30  # of one request; whole seconds, because the client ignores a float
_PATIENCE_S = 600.0  # with an API server that is away: a cluster's upgrade replaces it, and the replicas train on
_REMOVED_S = 300.0  # until an older job's pods must be gone
# The pod of the step, as KFP tells it (backend/src/v2/compiler/argocompiler/common.go).
_POD_NAME, _POD_UID = "KFP_POD_NAME", "KFP_POD_UID"
# What a namespace at Pod Security `restricted` asks for; the image's user is a number.
_POD_SECURITY = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
_CONTAINER_SECURITY = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
_LOGGER = logging.getLogger("forger.training_job")


def training_job(cluster: Cluster) -> dict[str, Any]:
    """Make the TFJob's manifest; its command is filled in when a training starts.

    Args:
        cluster: Image, resources and placement are those of the GAN's trainer; a chief and `workers - 1` workers.
    """
    step = cluster.step(GAN_TRAINER)
    resources: dict[str, Any] = {"cpu": f"{step.cpu:g}", "memory": f"{step.memory_gib:g}Gi"}
    if cluster.gpus:
        resources[cluster.gpu_type] = cluster.gpus
    secrets = [
        ({"name": f"secret-{number}", "secret": {"secretName": secret.name}}, secret.mount_path)
        for number, secret in enumerate(cluster.secrets)
        if secret.mount_path
    ]
    container = {
        "name": "tensorflow",  # the operator looks for this name
        "image": cluster.gpu_image if cluster.gpus and cluster.gpu_image else cluster.image,
        "resources": {"limits": resources, "requests": resources},
        "volumeMounts": [
            {"name": "home", "mountPath": cluster.home},
            *({"name": volume["name"], "mountPath": path, "readOnly": True} for volume, path in secrets),
        ],
        "securityContext": _CONTAINER_SECURITY,
        "env": [
            {"name": variable, "valueFrom": {"secretKeyRef": {"name": secret.name, "key": key}}}
            for secret in cluster.secrets
            for key, variable in secret.env.items()
        ],
    }
    pod = {
        "containers": [container],
        "securityContext": _POD_SECURITY,
        "volumes": [
            {"name": "home", "persistentVolumeClaim": {"claimName": cluster.claim}},
            *(volume for volume, _ in secrets),
        ],
        "nodeSelector": cluster.gpu_node_selector if cluster.gpus and cluster.gpu_node_selector else cluster.node_selector,
        "tolerations": [
            {key: value for key, value in toleration.model_dump().items() if value}
            for toleration in [*cluster.tolerations, *(cluster.gpu_tolerations if cluster.gpus else [])]
        ],
        "imagePullSecrets": [{"name": cluster.image_pull_secret}] if cluster.image_pull_secret else [],
    }
    # One home has one training at a time, so one name will do.
    name = f"forger-gan-{hashlib.sha256(f'{cluster.claim} {cluster.home}'.encode()).hexdigest()[:10]}"
    # A replica that fails ends the job: the step's own retry then goes on from the checkpoint with all of them.
    # As KFP does for its own pods: the replicas find each other at once, and a sidecar would outlive them.
    metadata = {"annotations": {"sidecar.istio.io/inject": "false"}}
    replica = {"restartPolicy": "Never", "template": {"metadata": metadata, "spec": pod}}
    return {
        "apiVersion": f"{_GROUP}/{_VERSION}",
        "kind": "TFJob",
        "metadata": {"name": name},
        "spec": {
            "runPolicy": {"cleanPodPolicy": "Running", "activeDeadlineSeconds": step.timeout_s, "ttlSecondsAfterFinished": 3600},
            "tfReplicaSpecs": {"Chief": {"replicas": 1, **replica}, "Worker": {"replicas": cluster.workers - 1, **replica}},
        },
    }


class Jobs:
    """The TFJobs of the pod's namespace."""

    def __init__(self) -> None:
        import kubernetes

        self._place = (_GROUP, _VERSION, own_namespace(), _PLURAL)
        self._api: Any = kubernetes.client.CustomObjectsApi(connect_kubernetes())
        self._error: Any = kubernetes.client.ApiException
        logging.getLogger("urllib3").setLevel(logging.ERROR)  # tells each of its own retries, we tell once

    def run(self, job: dict[str, Any], command: list[str]) -> None:
        """Create a job, wait for its end, and delete it.

        Raises:
            RuntimeError: It failed, or Kubernetes refuses or is away for long.
        """
        job = json.loads(json.dumps(job))  # the two replicas' templates are one object before
        name = job["metadata"]["name"]
        if (pod := os.environ.get(_POD_NAME)) and (uid := os.environ.get(_POD_UID)):
            job["metadata"]["ownerReferences"] = [{"apiVersion": "v1", "kind": "Pod", "name": pod, "uid": uid}]
        for replica in job["spec"]["tfReplicaSpecs"].values():
            replica["template"]["spec"]["containers"][0]["command"] = command
        try:
            self._ask("create", name, lambda: self._create(job), patience_s=0)  # nothing is lost yet
            _LOGGER.info("training in TFJob %s/%s", self._place[2], name)
            while not (ended := _ended(self._ask("look at", name, lambda: self._get(name), _PATIENCE_S))):
                time.sleep(_POLL_S)
        finally:
            try:
                self._ask("delete", name, lambda: self._delete(name), patience_s=0)
            except RuntimeError as error:  # it ends without us, too, and what was trained counts
                _LOGGER.warning("%s", error)
        if ended["type"] != "Succeeded":
            raise RuntimeError(f"TFJob {self._place[2]}/{name} failed: {ended.get('message') or ended.get('reason')}")

    def remove(self, name: str) -> None:
        """Delete a job, if it is there, and wait until its pods are gone, too.

        Raises:
            RuntimeError: They don't go, or Kubernetes refuses or is away for long.
        """
        deadline = time.monotonic() + _REMOVED_S
        while self._ask("delete", name, lambda: self._delete(name), _PATIENCE_S):
            if time.monotonic() > deadline:
                raise RuntimeError(f"TFJob {self._place[2]}/{name} of an earlier step is still being deleted")
            time.sleep(_POLL_S)

    def _ask(self, what: str, name: str, call: Callable[[], Any], patience_s: float) -> Any:
        """Call Kubernetes, again where it is away.

        Args:
            what: What is done to the job, e.g. "delete".
            name: The job's.
            call: Does it.
            patience_s: Seconds until it must have answered.

        Raises:
            RuntimeError: It refuses, or is away for longer.
        """
        since, told = time.monotonic(), False
        while True:
            try:
                return call()
            except (self._error, urllib3.exceptions.HTTPError) as error:
                said = f"can't {what} TFJob {self._place[2]}/{name}: {_reason(error)}"
                if not _is_away(error) or time.monotonic() - since >= patience_s:
                    raise RuntimeError(said) from error
            if not told:
                _LOGGER.warning("%s; trying again for %.0f s", said, patience_s)
                told = True
            time.sleep(_POLL_S)

    def _create(self, job: dict[str, Any]) -> None:
        self._api.create_namespaced_custom_object(*self._place, job, _request_timeout=_TIMEOUT_S)

    def _get(self, name: str) -> dict[str, Any]:
        return self._api.get_namespaced_custom_object(*self._place, name, _request_timeout=_TIMEOUT_S)

    def _delete(self, name: str) -> bool:
        """Ask for a job's deletion, which takes its pods first; says whether it was there."""
        try:
            self._api.delete_namespaced_custom_object(
                *self._place, name, propagation_policy="Foreground", _request_timeout=_TIMEOUT_S
            )
        except self._error as error:
            if error.status != 404:
                raise
            return False
        return True


def _is_away(error: Any) -> bool:
    """Say whether a call may do better later: there was no answer, or one of a server in trouble."""
    status = getattr(error, "status", None)
    return not status or status == 429 or status >= 500


def _reason(error: Any) -> str:
    """Say in one line why a call failed, in Kubernetes' own words where there are some."""
    reason = getattr(error, "reason", None) or error
    if not (status := getattr(error, "status", None)):
        return f"Kubernetes doesn't answer ({flat_message(reason)})"
    try:
        said = json.loads(error.body)["message"]
    except (KeyError, TypeError, ValueError):  # a proxy's page
        said = reason
    return f"Kubernetes answered {status} ({flat_message(said)})"


def _ended(job: dict[str, Any]) -> dict[str, Any] | None:
    """Return the condition that ends a job, None while it runs."""
    conditions = job.get("status", {}).get("conditions", [])
    return next((each for each in conditions if each["type"] in ("Succeeded", "Failed") and each["status"] == "True"), None)
