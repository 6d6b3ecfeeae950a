"""The manifests of serving/deploy on a real API server."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cluster.control_plane import ControlPlane

pytestmark = pytest.mark.cluster
DEPLOY = Path(__file__).parents[2] / "serving" / "deploy"
CLAIM = {
    "apiVersion": "v1",
    "kind": "PersistentVolumeClaim",
    "metadata": {"name": "forger-models", "namespace": "forger"},
    "spec": {"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "1Gi"}}},
}


@pytest.fixture
def namespace(control_plane: ControlPlane) -> Iterator[None]:
    """The namespace as serving/deploy/README.md makes it, first of all; what a test puts there goes with it."""
    control_plane.apply("-f", str(DEPLOY / "kubernetes/base/namespace.yaml"))
    # What the controllers of a cluster make, without which no pod is admitted.
    control_plane.apply(
        given={"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": "forger"}}
    )
    yield
    kinds = "deployments,services,configmaps,hpa,pdb,networkpolicies,servicemonitors,serviceaccounts"
    control_plane.kubectl("delete", kinds, "--all", "--namespace", "forger", "--wait=false")


@pytest.mark.parametrize("source", ["pvc", "gcs", "s3"])
@pytest.mark.parametrize("overlay", ["cpu", "gpu"])
def test_an_overlay_is_accepted_and_its_pods_admitted(
    control_plane: ControlPlane, namespace: None, tmp_path: Path, overlay: str, source: str
) -> None:
    tree = tmp_path / "kubernetes"
    shutil.copytree(DEPLOY / "kubernetes", tree)
    file = tree / "overlays" / overlay / "kustomization.yaml"
    text = file.read_text()
    assert "components/pvc # or gcs, or s3" in text
    file.write_text(text.replace("components/pvc # or gcs, or s3", f"components/{source}"))
    if source == "pvc":
        control_plane.apply(given=CLAIM)
    control_plane.apply("-k", str(file.parent))
    (deployment,) = yaml.safe_load(control_plane.kubectl("get", "deployments", "--namespace", "forger", "-o", "yaml"))["items"]
    pod = pod_of(deployment["spec"]["template"], "forger")
    control_plane.kubectl("create", "--dry-run=server", given=pod)


def test_the_servers_of_a_homes_claim_are_admitted_beside_its_runs(control_plane: ControlPlane) -> None:
    runs = "kubeflow-user-example-com"
    control_plane.apply(given={"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": runs}})
    control_plane.apply(given={"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": runs}})
    claim = copy.deepcopy(CLAIM)
    claim["metadata"] = {"name": "forger", "namespace": runs}
    control_plane.apply(given=claim)
    control_plane.apply("-k", str(DEPLOY / "kubernetes/overlays/home"))
    (deployment,) = yaml.safe_load(control_plane.kubectl("get", "deployments", "--namespace", runs, "-o", "yaml"))["items"]
    control_plane.kubectl("create", "--dry-run=server", given=pod_of(deployment["spec"]["template"], runs))


def test_the_namespace_refuses_a_pod_that_may_do_more(control_plane: ControlPlane, namespace: None) -> None:
    template = {"spec": {"containers": [{"name": "x", "image": "x"}]}}
    said = control_plane.kubectl("create", "--dry-run=server", given=pod_of(template, "forger"), refused=True)
    assert 'violates PodSecurity "restricted' in said


def pod_of(template: dict[str, Any], namespace: str) -> dict[str, Any]:
    """Make the pod that a controller would make of a template."""
    pod = copy.deepcopy(template)
    metadata = {key: value for key, value in pod.get("metadata", {}).items() if key in ("labels", "annotations")}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {**metadata, "name": "x", "namespace": namespace}, "spec": pod["spec"]}
