"""The Kubernetes manifests: valid by Kubernetes' own schemas, and consistent in themselves."""

import re
from collections.abc import Callable
from pathlib import Path

import kubernetes_validate
import pytest
from google.protobuf import text_format

from pipeline.home.home import Home
from pipeline.kubeflow.cluster import Cluster
from tests.unit.deploy.conftest import DEPLOY
from tests.unit.deploy.server_flags import FLAGS, batching_parameters, monitoring_config

_KUBERNETES = "1.29"  # the oldest that runs sidecars as the manifests have them
_CUSTOM = {"ServiceMonitor"}  # the Prometheus operator's, not in Kubernetes' schemas
_KINDS = {
    "ConfigMap",
    "Deployment",
    "HorizontalPodAutoscaler",
    "Namespace",
    "NetworkPolicy",
    "PodDisruptionBudget",
    "Service",
    "ServiceAccount",
    "ServiceMonitor",
}


def _only(resources: list[dict], kind: str) -> dict:
    (found,) = [one for one in resources if one["kind"] == kind]
    return found


def _pod(resources: list[dict]) -> dict:
    return _only(resources, "Deployment")["spec"]["template"]["spec"]


def _server(resources: list[dict]) -> dict:
    (container,) = _pod(resources)["containers"]
    return container


def _config_map(resources: list[dict], name: str) -> dict[str, str]:
    (found,) = [one for one in resources if one["kind"] == "ConfigMap" and one["metadata"]["name"].startswith(f"{name}-")]
    return found["data"]


def _egress(resources: list[dict]) -> list[dict]:
    return _only(resources, "NetworkPolicy")["spec"]["egress"]


def test_every_resource_is_valid_and_in_the_namespace(overlay: list[dict]) -> None:
    assert {one["kind"] for one in overlay} == _KINDS
    for resource in overlay:
        if resource["kind"] not in _CUSTOM:
            kubernetes_validate.validate(resource, _KUBERNETES, strict=True)
        if resource["kind"] != "Namespace":
            assert resource["metadata"]["namespace"] == "forger"


@pytest.mark.parametrize("source", ["gcs", "s3"])
def test_object_stores_take_the_volumes_place(source: str, build: Callable[[Path], list[dict]], tmp_path: Path) -> None:
    kubernetes = tmp_path / "kubernetes"
    for file in (DEPLOY / "kubernetes").rglob("*"):
        if file.is_file():
            target = kubernetes / file.relative_to(DEPLOY / "kubernetes")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(file.read_text().replace("components/pvc # or gcs, or s3", f"components/{source}"))
    resources = build(kubernetes / "overlays" / "cpu")
    for resource in resources:
        if resource["kind"] not in _CUSTOM:
            kubernetes_validate.validate(resource, _KUBERNETES, strict=True)
    (sidecar,) = _pod(resources)["initContainers"]
    environment = {one["name"]: one.get("value") for one in sidecar["env"]}
    assert environment["SOURCE"] == f"{source}:BUCKET/serving"
    assert f"RCLONE_CONFIG_{source.upper()}_TYPE" in environment
    assert not any("persistentVolumeClaim" in volume for volume in _pod(resources)["volumes"])
    assert {port["port"] for rule in _egress(resources) for port in rule["ports"]} >= {53, 443}


def test_a_homes_claim_is_served_beside_its_runs(build: Callable[[Path], list[dict]]) -> None:
    resources = build(DEPLOY / "kubernetes" / "overlays" / "home")
    assert {one["kind"] for one in resources} == _KINDS - {"Namespace"}  # the namespace of the runs is not ours to change
    for resource in resources:
        assert resource["metadata"]["namespace"] == "kubeflow-user-example-com"
        if resource["kind"] not in _CUSTOM:
            kubernetes_validate.validate(resource, _KUBERNETES, strict=True)
    pod = _pod(resources)
    (volume,) = [one for one in pod["volumes"] if "persistentVolumeClaim" in one]
    assert volume["persistentVolumeClaim"] == {"claimName": Cluster.model_fields["claim"].default, "readOnly": True}
    (mount,) = [one for one in pod["initContainers"][0]["volumeMounts"] if one["name"] == volume["name"]]
    serving = Home(Path("/forger")).serving.name
    assert mount == {"name": volume["name"], "mountPath": "/published", "subPath": serving, "readOnly": True}


def test_pods_may_do_nothing_but_serve(overlay: list[dict]) -> None:
    pod = _pod(overlay)
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    for container in pod["containers"] + pod["initContainers"]:
        context = container["securityContext"]
        assert context["readOnlyRootFilesystem"] is True
        assert context["allowPrivilegeEscalation"] is False
        assert context["capabilities"] == {"drop": ["ALL"]}
        assert {"cpu", "memory"} <= container["resources"]["limits"].keys()
        assert "latest" not in container["image"]
    assert _egress(overlay) == []
    labels = _only(overlay, "Namespace")["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


def test_selectors_ports_and_volumes_meet(overlay: list[dict]) -> None:
    deployment, service, pod = _only(overlay, "Deployment"), _only(overlay, "Service"), _pod(overlay)
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    selectors = [
        deployment["spec"]["selector"]["matchLabels"],
        service["spec"]["selector"],
        _only(overlay, "PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
        _only(overlay, "NetworkPolicy")["spec"]["podSelector"]["matchLabels"],
    ]
    for selector in selectors:
        assert selector.items() <= labels.items()
    monitor = _only(overlay, "ServiceMonitor")["spec"]
    assert monitor["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert service["spec"]["clusterIP"] == "None"  # clients balance
    ports = {port["name"]: port["containerPort"] for port in _server(overlay)["ports"]}
    assert ports == {"grpc": 8500, "rest": 8501}
    assert {(port["port"], port["targetPort"]) for port in service["spec"]["ports"]} == {(8500, "grpc"), (8501, "rest")}
    target = _only(overlay, "HorizontalPodAutoscaler")["spec"]["scaleTargetRef"]
    assert (target["kind"], target["name"]) == ("Deployment", deployment["metadata"]["name"])
    assert "replicas" not in deployment["spec"]  # else every apply would undo the autoscaler
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    mounts = [mount["name"] for container in pod["containers"] + pod["initContainers"] for mount in container["volumeMounts"]]
    assert set(mounts) == volumes.keys()
    maps = {one["metadata"]["name"] for one in overlay if one["kind"] == "ConfigMap"}
    assert {volume["configMap"]["name"] for volume in volumes.values() if "configMap" in volume} == maps


def test_the_servers_flags_exist_and_its_files_are_mounted(overlay: list[dict]) -> None:
    server = _server(overlay)
    flags = dict(argument.removeprefix("--").split("=", 1) for argument in server["args"])
    assert flags.keys() <= FLAGS
    mounts = {mount["mountPath"]: mount for mount in server["volumeMounts"]}
    config = _config_map(overlay, "tensorflow-serving")
    for flag in ("batching_parameters_file", "monitoring_config_file"):
        directory, _, name = flags[flag].rpartition("/")
        assert mounts[directory]["name"] == "config"
        assert name in config
    sidecar = _pod(overlay)["initContainers"][0]
    assert flags["model_config_file"] == f"{sidecar['command'][3]}/models.config"
    assert sidecar["restartPolicy"] == "Always"
    assert _config_map(overlay, "models-script")["models.sh"] == (DEPLOY / "kubernetes" / "base" / "models.sh").read_text()


def test_batching_fits_the_machine(overlay: list[dict]) -> None:
    config = _config_map(overlay, "tensorflow-serving")
    batching = text_format.Parse(config["batching.config"], batching_parameters())
    limits = _server(overlay)["resources"]["limits"]
    on_gpu = "nvidia.com/gpu" in limits
    assert batching.num_batch_threads.value == (2 if on_gpu else int(limits["cpu"]))
    if on_gpu:
        sizes = list(batching.allowed_batch_sizes)
        assert sizes == sorted(set(sizes))
        assert sizes[-1] == batching.max_batch_size.value  # TensorFlow Serving insists
    assert _server(overlay)["image"].endswith("-gpu") is on_gpu


def test_what_is_scraped_is_what_is_exposed(overlay: list[dict]) -> None:
    monitoring = text_format.Parse(_config_map(overlay, "tensorflow-serving")["monitoring.config"], monitoring_config())
    assert monitoring.prometheus_config.enable
    (endpoint,) = _only(overlay, "ServiceMonitor")["spec"]["endpoints"]
    assert (endpoint["port"], endpoint["path"]) == ("rest", monitoring.prometheus_config.path)


def test_a_pod_takes_requests_only_with_a_model_and_leaves_in_peace(overlay: list[dict]) -> None:
    server = _server(overlay)
    ready = server["readinessProbe"]["httpGet"]
    assert (ready["port"], ready["path"]) == ("rest", "/v1/models/mnist_gan/labels/stable/metadata")
    assert server["startupProbe"]["httpGet"] == ready
    assert server["livenessProbe"]["tcpSocket"] == {"port": "grpc"}
    pause = int(server["lifecycle"]["preStop"]["exec"]["command"][1])
    noticed = server["readinessProbe"]["periodSeconds"] * server["readinessProbe"]["failureThreshold"]
    assert noticed < pause < _pod(overlay)["terminationGracePeriodSeconds"]


def test_the_image_is_the_release_that_the_clients_stubs_are_from(overlay: list[dict]) -> None:
    lock = (DEPLOY.parents[1] / "requirements.lock").read_text()
    (release,) = re.findall(r"^tensorflow-serving-api==(\S+)", lock, re.MULTILINE)
    assert _server(overlay)["image"].removesuffix("-gpu") == f"tensorflow/serving:{release}"
