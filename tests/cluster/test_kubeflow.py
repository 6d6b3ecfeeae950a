"""What Forger's Kubeflow side says to Kubernetes itself: the TFJob, its life, its rights, and `forger kubeflow check`."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from pipeline.kubeflow import training_job
from pipeline.kubeflow.cluster import Cluster, Secret, Toleration
from tests.cluster.control_plane import ControlPlane
from tests.cluster.test_serving import pod_of
from tests.support.command import forger
from tests.support.kubeflow.server import Api, serving

pytestmark = pytest.mark.cluster
SPACE = "kubeflow"
DOCS = (Path(__file__).parents[2] / "docs" / "kubeflow.md").read_text()
CLUSTER = Cluster(
    image="forger:1",
    pipeline_root="s3://b/forger",
    workers=3,
    gpus=1,
    gpu_node_selector={"pool": "gpu"},
    gpu_tolerations=[Toleration(key="nvidia.com/gpu", effect="NoSchedule")],
    secrets=[Secret(name="store", env={"key": "AWS_ACCESS_KEY_ID"}, mount_path="/secrets/store")],
    image_pull_secret="registry",
)


def _from_docs(kind: str) -> dict:
    blocks = re.findall(r"```yaml\n(.*?)```", DOCS, re.DOTALL)
    (found,) = [yaml.safe_load(block) for block in blocks if f"kind: {kind}\n" in block]
    return found


@pytest.fixture(autouse=True)
def _namespace(control_plane: ControlPlane, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """KFP's namespace at Pod Security `restricted`, with the role of the docs given to the user "runner"."""
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "forger-training", "namespace": SPACE},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "forger-training"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "runner"}],
    }
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": SPACE}}
    control_plane.apply(given={"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SPACE, "labels": labels}})
    control_plane.apply(given=[account, _from_docs("PersistentVolumeClaim"), _from_docs("Role"), binding])
    monkeypatch.setattr(training_job, "own_namespace", lambda: SPACE)
    monkeypatch.setattr(training_job, "_POLL_S", 0.2)
    yield
    control_plane.kubectl("delete", "tfjobs,secrets", "--all", "--namespace", SPACE, "--wait=false")
    _finish_deletion(control_plane)


def _finish_deletion(control_plane: ControlPlane) -> None:
    """Do what the garbage collector of a cluster does once a job's pods are gone: there is none here."""
    for name in control_plane.kubectl("get", "tfjobs", "--namespace", SPACE, "-o", "name", "--ignore-not-found").split():
        if name.startswith("tfjob"):
            patch = '{"metadata": {"finalizers": null}}'
            control_plane.kubectl("patch", name, "--namespace", SPACE, "--type=merge", "-p", patch)


def _job(control_plane: ControlPlane) -> dict | None:
    found = json.loads(control_plane.kubectl("get", "tfjobs", "--namespace", SPACE, "-o", "json"))["items"]
    return found[0] if found else None


def _wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_the_job_is_valid_and_its_pods_are_admitted(control_plane: ControlPlane) -> None:
    job = training_job.training_job(CLUSTER)
    for replica in job["spec"]["tfReplicaSpecs"].values():
        replica["template"]["spec"]["containers"][0]["command"] = ["true"]
        pod = pod_of(replica["template"], SPACE)
        said = control_plane.kubectl("create", "--dry-run=server", "--validate=strict", given=pod)
        assert "Warning" not in said
    job["metadata"]["namespace"] = SPACE
    control_plane.apply(given=job)


def test_a_job_lives_and_ends_with_the_rights_that_the_docs_give(
    control_plane: ControlPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(control_plane.runner))
    monkeypatch.setenv("KFP_POD_NAME", "forger-abc")
    monkeypatch.setenv("KFP_POD_UID", "8d3f1f0e-0000-0000-0000-000000000000")
    jobs = training_job.Jobs()
    manifest = training_job.training_job(CLUSTER)
    name = manifest["metadata"]["name"]
    jobs.remove(name)  # there is none: no error
    step = threading.Thread(target=jobs.run, args=(manifest, ["true"]))
    step.start()
    _wait_for(lambda: _job(control_plane))
    job = _job(control_plane)
    assert job is not None and job["metadata"]["ownerReferences"][0]["name"] == "forger-abc"
    status = '{"status": {"conditions": [{"type": "Succeeded", "status": "True"}], "replicaStatuses": {}}}'
    control_plane.kubectl("patch", "tfjob", name, "--namespace", SPACE, "--subresource=status", "--type=merge", "-p", status)
    step.join(timeout=60)
    assert not step.is_alive()

    # Deleted, but there until its pods are gone: the next step waits for that.
    job = _job(control_plane)
    assert job is not None and job["metadata"]["deletionTimestamp"]
    waiting = threading.Thread(target=jobs.remove, args=(name,))
    waiting.start()
    waiting.join(timeout=1)
    assert waiting.is_alive()
    _finish_deletion(control_plane)
    waiting.join(timeout=60)
    assert not waiting.is_alive() and _job(control_plane) is None


def test_the_check_sees_what_is_there_and_what_its_rights_hide(
    control_plane: ControlPlane, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "cluster.yaml"
    file.write_text(yaml.safe_dump(CLUSTER.model_dump()))
    with serving(Api("2.17.0")) as url:
        arguments = ["kubeflow", "check", "--host", url, "--cluster", str(file), "--service-account", "default", "--json"]

        def states() -> dict[str, str]:
            return {each["what"].partition(":")[0]: each["state"] for each in json.loads(forger(*arguments).stdout)}

        first = states()
        assert first["service account default"] == first["volume claim forger"] == first["the training operator's TFJob"] == "ok"
        assert first["secret store"] == first["secret registry"] == first["1 nvidia.com/gpu on one node"] == "missing"

        secret = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "store", "namespace": SPACE},
            "stringData": {"key": "x"},
        }
        labels = {"pool": "gpu"}
        node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "gpu", "labels": labels}}
        control_plane.apply(given=[secret, node])
        capacity = '{"status": {"allocatable": {"nvidia.com/gpu": "1"}}}'
        control_plane.kubectl("patch", "node", "gpu", "--subresource=status", "--type=merge", "-p", capacity)
        second = states()
        assert second["secret store"] == second["1 nvidia.com/gpu on one node"] == "ok"

        monkeypatch.setenv("KUBECONFIG", str(control_plane.runner))
        assert set(states().values()) == {"ok", "unseen"}
