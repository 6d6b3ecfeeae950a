"""KFP's launcher (backend/src/v2/component/launcher_v2.go): inputs into a pod, the step's own command, outputs out of it."""

from __future__ import annotations

import contextlib
import copy
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from google.protobuf import json_format
from kfp.kubernetes import kubernetes_executor_config_pb2 as kubernetes
from kfp.pipeline_spec import pipeline_spec_pb2

from tests.support.kubeflow.store import SCHEMES, ObjectStore

LOGS = "executor-logs"
_INSTALLED = Path(__file__).resolve().parents[3]  # what the image has installed


class StepFailed(Exception):
    """A container ended with another status than 0; holds its log."""


@dataclass
class Pod:
    """One attempt of one step.

    The directories that the launcher uses in a pod (/minio/...) lie below the pod's own directory here: KFP's `custom_path` of an
    artifact says so to the step.
    """

    directory: Path
    store: ObjectStore
    volumes: Path  # PersistentVolumeClaims by name
    secrets: dict[str, dict[str, str]] = field(default_factory=dict)

    def run(
        self,
        container: pipeline_spec_pb2.PipelineDeploymentConfig.PipelineContainerSpec,
        config: kubernetes.KubernetesExecutorConfig,
        executor_input: dict[str, Any],
        run_root: str,
        attempt: int,
        interrupt: Callable[[], bool] | None = None,
    ) -> dict[str, Any]:
        """Run the container; returns its ExecutorOutput.

        Args:
            container: Image, command and arguments.
            config: The platform spec's part.
            executor_input: As the driver made it; the outputs' metadata and URIs are updated from what the step answers.
            run_root: Prefix of every URI that may be uploaded.
            attempt: 0 for the first.
            interrupt: Asked again and again; True kills the pod, as a lost node does.

        Raises:
            StepFailed: The command failed.
        """
        given = self._place(copy.deepcopy(executor_input))
        for listed in given["inputs"].get("artifacts", {}).values():
            for artifact in listed["artifacts"]:
                self.store.download(artifact["uri"], Path(artifact["customPath"]))
        for listed in given["outputs"]["artifacts"].values():
            Path(listed["artifacts"][0]["customPath"]).parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(given)
        command = [part.replace("{{$}}", text) for part in [*container.command, *container.args]]
        log = Path(given["outputs"]["artifacts"][LOGS]["artifacts"][0]["customPath"])
        with self._mounted(config), log.open("wb") as stream:
            status = self._execute(command, self._environment(container, config), stream, config, interrupt)
        self.store.upload(log, f"{executor_input['outputs']['artifacts'][LOGS]['artifacts'][0]['uri']}-{attempt}")
        if status:
            raise StepFailed(log.read_text(encoding="utf-8", errors="replace"))
        answer = self._answer(Path(given["outputs"]["outputFile"]))
        for key, listed in executor_input["outputs"]["artifacts"].items():
            if key != LOGS:
                local = Path(given["outputs"]["artifacts"][key]["artifacts"][0]["customPath"])
                self._collect(listed["artifacts"][0], answer.artifacts.get(key), local, run_root)
        return json_format.MessageToDict(answer)

    def _place(self, executor_input: dict[str, Any]) -> dict[str, Any]:
        for side in ("inputs", "outputs"):
            for listed in executor_input[side].get("artifacts", {}).values():
                for artifact in listed["artifacts"]:
                    artifact["customPath"] = str(self._local(artifact["uri"]))
        outputs = executor_input["outputs"]
        outputs["outputFile"] = str(self._local(outputs["outputFile"]))
        return executor_input

    def _local(self, uri: str) -> Path:
        scheme = next(scheme for scheme in SCHEMES if uri.startswith(scheme))
        return self.directory / scheme.removesuffix("://") / uri.removeprefix(scheme)

    def _environment(
        self,
        container: pipeline_spec_pb2.PipelineDeploymentConfig.PipelineContainerSpec,
        config: kubernetes.KubernetesExecutorConfig,
    ) -> dict[str, str]:
        """What the image and the spec define, nothing of this process's own."""
        home, temporary = self.directory / "home", self.directory / "tmp"
        home.mkdir(parents=True, exist_ok=True)
        temporary.mkdir(exist_ok=True)
        environment = {
            "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
            "PYTHONPATH": str(_INSTALLED),
            "HOME": str(home),
            "TMPDIR": str(temporary),
            "LANG": "C.UTF-8",
        }
        environment |= {variable.name: variable.value for variable in container.env}
        for secret in config.secret_as_env:
            name = secret.secret_name_parameter.runtime_value.constant.string_value
            for pair in secret.key_to_env:
                environment[pair.env_var] = self.secrets[name][pair.secret_key]
        return environment

    @contextlib.contextmanager
    def _mounted(self, config: kubernetes.KubernetesExecutorConfig) -> Iterator[None]:
        """Show claimed volumes at their paths, for this step only."""
        links = []
        for mount in config.pvc_mount:
            volume = self.volumes / mount.pvc_name_parameter.runtime_value.constant.string_value
            volume.mkdir(parents=True, exist_ok=True)
            links.append(Path(mount.mount_path))
            links[-1].symlink_to(volume, target_is_directory=True)
        try:
            yield
        finally:
            for link in links:
                link.unlink()

    def _execute(
        self,
        command: list[str],
        environment: dict[str, str],
        stream: Any,
        config: kubernetes.KubernetesExecutorConfig,
        interrupt: Callable[[], bool] | None,
    ) -> int:
        deadline = config.active_deadline_seconds
        with subprocess.Popen(
            command,
            cwd=self.directory / "home",
            env=environment,
            stdout=stream,
            stderr=stream,
            start_new_session=True,
            umask=0,  # Argo's executor sets it (cmd/argoexec)
        ) as process:
            try:
                if interrupt is None:
                    return process.wait(timeout=deadline)
                while process.poll() is None and not interrupt():
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        process.wait(timeout=0.05)
                return process.poll() if process.poll() is not None else -signal.SIGKILL
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)

    def _answer(self, file: Path) -> pipeline_spec_pb2.ExecutorOutput:
        answer = pipeline_spec_pb2.ExecutorOutput()
        if file.exists():  # strictly, as protojson does: an unknown field is an error
            json_format.Parse(file.read_text(encoding="utf-8"), answer)
        return answer

    def _collect(
        self, artifact: dict[str, Any], answered: pipeline_spec_pb2.ArtifactList | None, local: Path, run_root: str
    ) -> None:
        """Merge what the step says of an output, then upload it, which KFP does only below the run's root."""
        if answered and answered.artifacts:
            said = json_format.MessageToDict(answered.artifacts[0])
            artifact["uri"] = said.get("uri") or artifact["uri"]
            artifact["metadata"] = artifact.get("metadata", {}) | said.get("metadata", {})
        assert artifact["uri"].startswith(run_root + "/"), f"{artifact['uri']} lies outside {run_root}: KFP refuses to upload it"
        self.store.upload(local, artifact["uri"])
