"""A Kubernetes API server that knows TFJobs, with the training operator behind it: replicas become processes with a TF_CONFIG.

As strict as the real ones: one job of a name, 404 for none, and no pods that Pod Security `restricted` would refuse.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.kubeflow.http import Request, serving_json
from tests.support.kubeflow.objects import Refusal

PATH = "/apis/kubeflow.org/v1/namespaces/default/tfjobs"


class Operator:
    """The jobs, and their replicas' processes."""

    def __init__(self, logs: Path) -> None:
        """Write the replicas' logs into a directory."""
        self.logs = logs
        self.jobs: dict[str, dict[str, Any]] = {}
        self.deleted: list[str] = []
        self.most = 0  # jobs at the same time
        self.trouble: Callable[[str], None] = lambda method: None  # before each answer; may raise Refusal or ConnectionError
        self._processes: dict[str, list[subprocess.Popen]] = {}

    def create(self, job: dict[str, Any]) -> dict[str, Any]:
        """Start a job's replicas, the chief first."""
        name, replicas = job["metadata"]["name"], job["spec"]["tfReplicaSpecs"]
        if name in self._processes:
            raise Refusal(409, f'tfjobs.kubeflow.org "{name}" already exists')
        for replica in replicas.values():
            _admit(replica["template"])
        self.most = max(self.most, len(self._processes) + 1)
        cluster = {kind.lower(): [_address() for _ in range(spec["replicas"])] for kind, spec in replicas.items()}
        self._processes[name] = [
            self._start(
                f"{name}-{kind.lower()}-{index}", spec, {"cluster": cluster, "task": {"type": kind.lower(), "index": index}}
            )
            for kind, spec in replicas.items()
            for index in range(spec["replicas"])
        ]
        self.jobs[name] = job
        return job

    def get(self, name: str) -> dict[str, Any]:
        """Return a job with its status: it succeeds with its chief, and fails with any replica that isn't restarted."""
        self._check(name)
        codes = [process.poll() for process in self._processes[name]]
        conditions = [{"type": "Running", "status": "True"}]
        if failed := [code for code in codes if code]:
            conditions = [{"type": "Failed", "status": "True", "message": f"a replica exited with status {failed[0]}"}]
        elif codes[0] == 0:
            conditions = [{"type": "Succeeded", "status": "True"}]
        return self.jobs[name] | {"status": {"conditions": conditions}}

    def delete(self, name: str) -> dict[str, Any]:
        """Remove a job with its pods."""
        self._check(name)
        for process in self._processes.pop(name):
            process.kill()
            process.wait()
        self.deleted.append(name)
        return {}

    def _check(self, name: str) -> None:
        if name not in self._processes:
            raise Refusal(404, f'tfjobs.kubeflow.org "{name}" not found')

    def _start(self, name: str, replica: dict[str, Any], config: dict[str, Any]) -> subprocess.Popen:
        (container,) = replica["template"]["spec"]["containers"]
        environment = {
            "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
            "TF_CONFIG": json.dumps(config),
        }
        with (self.logs / f"{name}.log").open("wb") as log:
            return subprocess.Popen(container["command"], env=environment, stdout=log, stderr=log)


def _admit(template: dict[str, Any]) -> None:
    """Check a pod against Pod Security's level `restricted`, and that it mounts only volumes that it has."""
    pod = template["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"]["type"] == "RuntimeDefault"
    volumes = [volume["name"] for volume in pod["volumes"]]
    assert len(set(volumes)) == len(volumes)
    for container in pod["containers"]:
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert {mount["name"] for mount in container["volumeMounts"]} == set(volumes)


def _address() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{free.getsockname()[1]}"


@contextmanager
def serving(operator: Operator) -> Iterator[str]:
    """Serve the API; yields the URL."""

    def answer(request: Request) -> tuple[int, dict[str, Any]]:
        assert request.path.startswith(PATH), request.path
        name = request.path.removeprefix(PATH).strip("/")
        try:
            operator.trouble(request.method)
            if request.method == "POST":
                return 201, operator.create(json.loads(request.body))
            return 200, operator.get(name) if request.method == "GET" else operator.delete(name)
        except Refusal as refusal:
            return refusal.status, {"kind": "Status", "status": "Failure", "message": str(refusal), "code": refusal.status}

    with serving_json(answer) as url:
        yield url
