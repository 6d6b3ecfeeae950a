"""`forger kubeflow check` against KFP's API and Kubernetes' own, as far as the rights go."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support import command
from tests.support.kubeflow.http import Request, serving_json
from tests.support.kubeflow.kubeconfig import write_kubeconfig
from tests.support.kubeflow.server import Api, serving

check = functools.partial(command.forger, "kubeflow", "check")
CLUSTER = {
    "image": "forger:1",
    "pipeline_root": "s3://b/forger",
    "gpus": 2,
    "gpu_node_selector": {"pool": "gpu"},
    "workers": 2,
    "secrets": [{"name": "store", "env": {"key": "AWS_ACCESS_KEY_ID"}}],
    "image_pull_secret": "registry",
}
SPACE = "/api/v1/namespaces/kubeflow"


@pytest.fixture
def objects() -> dict[str, Any]:
    """What Kubernetes has, by path; a number is a status."""
    return {
        f"{SPACE}/serviceaccounts/pipeline-runner": {"metadata": {"name": "pipeline-runner"}},
        f"{SPACE}/persistentvolumeclaims/forger": {"spec": {"accessModes": ["ReadWriteMany"]}, "status": {"phase": "Bound"}},
        f"{SPACE}/secrets/store": {"data": {"key": "eA=="}},
        f"{SPACE}/secrets/registry": {"data": {".dockerconfigjson": "eA=="}},
        "/api/v1/nodes": {
            "items": [
                {"metadata": {"labels": {"pool": "gpu"}}, "status": {"allocatable": {"nvidia.com/gpu": "4"}}},
                {"metadata": {"labels": {}}, "status": {"allocatable": {}}},
            ]
        },
        "/apis/kubeflow.org/v1/namespaces/kubeflow/tfjobs": {"items": []},
    }


@pytest.fixture
def kfp(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Api]:
    """A KFP, and no kubeconfig."""
    api = Api("2.17.0")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("KUBECONFIG", raising=False)
    with serving(api) as url:
        monkeypatch.setenv("KF_PIPELINES_ENDPOINT", url)
        yield api


@pytest.fixture
def cluster(kfp: Api, objects: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """The settings' file of a cluster whose Kubernetes answers."""

    def answer(request: Request) -> tuple[int, dict[str, Any]]:
        found = objects.get(request.path, 404)
        return (found, {"kind": "Status", "code": found}) if isinstance(found, int) else (200, found)

    (tmp_path / "cluster.yaml").write_text(yaml.safe_dump(CLUSTER))
    with serving_json(answer) as url:
        monkeypatch.setenv("KUBECONFIG", str(write_kubeconfig(tmp_path / "kubeconfig", url)))
        yield tmp_path / "cluster.yaml"


def test_a_cluster_that_has_all_is_told_in_one_line_each(cluster: Path) -> None:
    done = check("--cluster", cluster)
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines() == [
        "ok      KFP 2.17.0, for one user",
        "ok      service account pipeline-runner",
        "ok      volume claim forger",
        "ok      secret store",
        "ok      secret registry",
        "ok      2 nvidia.com/gpu on one node",
        "ok      the training operator's TFJob",
    ]


@pytest.mark.parametrize(
    ("path", "found", "state", "words"),
    [
        (f"{SPACE}/serviceaccounts/pipeline-runner", 404, "missing", "service account pipeline-runner"),
        (f"{SPACE}/persistentvolumeclaims/forger", 404, "missing", "volume claim forger"),
        (
            f"{SPACE}/persistentvolumeclaims/forger",
            {"spec": {"accessModes": ["ReadWriteOnce"]}, "status": {"phase": "Bound"}},
            "missing",
            "it is ReadWriteOnce, steps on several nodes need ReadWriteMany",
        ),
        (f"{SPACE}/secrets/store", {"data": {"other": "eA=="}}, "missing", "secret store: it has no key key"),
        (f"{SPACE}/secrets/store", 403, "unseen", "secret store: your account may not look"),
        ("/api/v1/nodes", 403, "unseen", "2 nvidia.com/gpu on one node: your account may not look"),
        ("/api/v1/nodes", {"items": []}, "missing", "have at most 0; a node pool that grows from zero may still bring them"),
        ("/api/v1/nodes", 500, "unseen", "Kubernetes answered 500"),
        ("/apis/kubeflow.org/v1/namespaces/kubeflow/tfjobs", 404, "missing", "TFJob"),
    ],
)
def test_what_is_missing_or_hidden_is_named(
    cluster: Path, objects: dict[str, Any], path: str, found: Any, state: str, words: str
) -> None:
    objects[path] = found
    done = check("--cluster", cluster, "--json")
    (other,) = [each for each in json.loads(done.stdout) if each["state"] != "ok"]
    assert other["state"] == state and words in other["what"]
    assert done.exit_code == (1 if state == "missing" else 0)


def test_without_a_kubeconfig_kfp_alone_is_looked_at(kfp: Api) -> None:
    kfp.version = "2.5.0"
    done = check()
    assert done.exit_code == 0
    first, *rest = done.stdout.splitlines()
    assert first == "ok      KFP 2.5.0, for one user"
    assert [line.split()[0] for line in rest] == ["note", "note", "unseen"]
    assert "a schedule with runs under way is paused, not removed" in rest[0]
    assert "schedule --service-account may be refused" in rest[1]
    assert "set KUBECONFIG" in rest[2]
    assert kfp.is_empty and not kfp.calls


def test_a_server_too_old_is_refused(kfp: Api) -> None:
    kfp.version = "2.3.0"
    command.assert_refused(check(), "the server is KFP 2.3.0")
