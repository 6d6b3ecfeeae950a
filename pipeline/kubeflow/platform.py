"""The second document of a compiled pipeline: what only Kubernetes understands."""

from __future__ import annotations

from typing import Any

from google.protobuf import json_format
from kfp.kubernetes import kubernetes_executor_config_pb2 as kubernetes
from kfp.pipeline_spec import pipeline_spec_pb2

from pipeline.kubeflow.cluster import Cluster, Toleration


def platform_spec(spec: pipeline_spec_pb2.PipelineSpec, cluster: Cluster) -> dict[str, Any]:
    """Make the platform spec of a rewritten pipeline spec: volumes, secrets, placement and timeouts of each executor."""
    executors = {
        spec.components[task.component_ref.name].executor_label: json_format.MessageToDict(_config(name, cluster))
        for name, task in spec.root.dag.tasks.items()
    }
    content = {"platforms": {"kubernetes": {"deploymentSpec": {"executors": executors}}}}
    json_format.ParseDict(content, pipeline_spec_pb2.PlatformSpec())
    return content


def _config(name: str, cluster: Cluster) -> kubernetes.KubernetesExecutorConfig:
    config = kubernetes.KubernetesExecutorConfig(active_deadline_seconds=cluster.step(name).timeout_s)
    if cluster.claim:
        mount = config.pvc_mount.add(mount_path=cluster.home, constant=cluster.claim)
        _set_name(mount.pvc_name_parameter, cluster.claim)
    for secret in cluster.secrets:
        if secret.env:
            entry = config.secret_as_env.add(secret_name=secret.name)
            _set_name(entry.secret_name_parameter, secret.name)
            for key, variable in secret.env.items():
                entry.key_to_env.add(secret_key=key, env_var=variable)
        if secret.mount_path:
            volume = config.secret_as_volume.add(secret_name=secret.name, mount_path=secret.mount_path, optional=False)
            _set_name(volume.secret_name_parameter, secret.name)
    if cluster.image_pull_secret:
        pull = config.image_pull_secret.add(secret_name=cluster.image_pull_secret)
        _set_name(pull.secret_name_parameter, cluster.image_pull_secret)
    gpu = cluster.uses_gpu(name)
    labels = cluster.gpu_node_selector if gpu and cluster.gpu_node_selector else cluster.node_selector
    config.node_selector.labels.update(labels)
    for toleration in [*cluster.tolerations, *(cluster.gpu_tolerations if gpu else [])]:
        _add_toleration(config, toleration)
    return config


def _set_name(parameter: pipeline_spec_pb2.TaskInputsSpec.InputParameterSpec, name: str) -> None:
    """Name a Kubernetes object the way newer servers read it, beside the older field, as kfp-kubernetes does."""
    parameter.runtime_value.constant.string_value = name


def _add_toleration(config: kubernetes.KubernetesExecutorConfig, toleration: Toleration) -> None:
    config.tolerations.add(key=toleration.key, operator=toleration.operator, value=toleration.value, effect=toleration.effect)
