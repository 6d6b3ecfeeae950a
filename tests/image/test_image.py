"""`make test-image`: build the image of the steps, look into it, and run two steps of the compiled pipeline in it.

Needs root and Debian's `buildah`; where `python:3.11-slim-trixie` can't be pulled, also `debootstrap`. FORGER_BASE_IMAGE names
another base, FORGER_IMAGE an image that is built already. It takes ten minutes.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.ingest.record import PreparedDataset
from pipeline.kubeflow.cluster import Cluster
from pipeline.kubeflow.compiler import compile_pipeline
from tests.image.base import make_base, run
from tests.support.kubeflow import driver
from tests.support.kubeflow.cluster import parse

ROOT = Path(__file__).resolve().parents[2]
TAG = "localhost/forger:checked"
USER = 10001
pytestmark = [pytest.mark.image, pytest.mark.timeout(3600)]


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The image, built as the documentation says."""
    # Works in any container; a kernel's overlay would be faster.
    os.environ.setdefault("STORAGE_DRIVER", "vfs")
    if built := os.environ.get("FORGER_IMAGE"):
        return built
    missing = [tool for tool in ("buildah", "debootstrap") if not shutil.which(tool)]
    assert not missing, f"to build the image: apt-get install {' '.join(missing)}"
    base = os.environ.get("FORGER_BASE_IMAGE")
    base = base or make_base(tmp_path_factory.mktemp("base"), platform.freedesktop_os_release()["VERSION_CODENAME"])
    options = ["--isolation=chroot", "--layers=false", "--target=cpu", f"--build-arg=BASE={base}"]
    run("buildah", "build", *options, "-f", ROOT / "pipeline/kubeflow/Dockerfile", "-t", TAG, ROOT)
    return TAG


class Container:
    """A container that commands run in, one after another."""

    def __init__(self, image: str) -> None:
        self.name = run("buildah", "from", image).strip()

    def call(self, *command: str, volumes: dict[Path, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run a command as the image's user."""
        mounts = [f"--volume={source}:{target}:rw" for source, target in (volumes or {}).items()]
        whole = ["buildah", "run", "--isolation=chroot", *mounts, self.name, "--", *command]
        return subprocess.run(whole, capture_output=True, text=True, check=False)


@pytest.fixture(scope="session")
def container(image: str) -> Iterator[Container]:
    """A container of the image."""
    found = Container(image)
    yield found
    run("buildah", "rm", found.name)


def test_it_runs_as_a_user_who_can_change_nothing(container: Container) -> None:
    assert container.call("id", "-u").stdout.strip() == str(USER)
    for place in ("/opt/forger", "/usr/local", "/etc"):
        assert container.call("test", "-w", place).returncode == 1, place
    for tool in ("gcc", "g++", "uv", "/opt/forger/bin/pip"):
        assert container.call("sh", "-c", f"command -v {tool}").returncode != 0, tool


def test_it_holds_the_locked_packages_and_not_the_developers(container: Container) -> None:
    listing = "import importlib.metadata as m, json; print(json.dumps({d.name.lower(): d.version for d in m.distributions()}))"
    done = container.call("python", "-c", listing)
    assert done.returncode == 0, done.stderr
    installed = {re.sub(r"[-_.]+", "-", name): version for name, version in json.loads(done.stdout).items()}
    pins = dict(re.findall(r"^([a-z0-9][a-z0-9.-]*)(?:\[[^]]*\])?==([^ ;\\]+)", (ROOT / "requirements.lock").read_text(), re.M))
    different = {name: version for name, version in installed.items() if name != "forger" and pins.get(name) != version}
    assert not different
    assert not {"pytest", "ruff", "selenium", "hypothesis"} & set(installed)
    assert container.call("forger", "--version").stdout.startswith("forger")


def test_steps_of_the_compiled_pipeline_run_in_it(container: Container, tmp_path: Path, mnist: PreparedDataset) -> None:
    home, minio = tmp_path / "home", tmp_path / "minio"
    shutil.copytree(mnist.directory.parents[1], home / "data", symlinks=True)
    minio.mkdir()
    for path in [home, minio, *home.rglob("*")]:
        os.chown(path, USER, USER, follow_symlinks=False)
    spec, deployment, _ = parse(compile_pipeline("smoke", [], Cluster(image=TAG, pipeline_root="minio://bucket/forger"), []))
    parameters, done = driver.run_parameters(spec.root, {}), {}
    for name in ("Plan", "ImportSchemaGen"):
        task = spec.root.dag.tasks[name]
        component = spec.components[task.component_ref.name]
        executor_input = {
            "inputs": driver.resolve_inputs(task, component, done, parameters, "run"),
            "outputs": driver.provision_outputs(component, name, "minio://bucket/forger/run"),
        }
        output_file = executor_input["outputs"]["outputFile"].replace("minio://", "/minio/")
        executor_input["outputs"]["outputFile"] = output_file
        step = deployment.executors[component.executor_label].container
        command = [part.replace("{{$}}", json.dumps(executor_input)) for part in [*step.command, *step.args]]
        ended = container.call(*command, volumes={home: "/forger", minio: "/minio"})
        assert ended.returncode == 0, ended.stderr[-3000:]
        answer = json.loads((minio / output_file.removeprefix("/minio/")).read_text())
        done[name] = {"parameters": answer.get("parameterValues", {}), "artifacts": {}}
    (schema,) = answer["artifacts"]["schema"]["artifacts"]
    assert schema["uri"].startswith("minio://bucket/forger/run/ImportSchemaGen/")
    assert (minio / schema["uri"].removeprefix("minio://") / "schema.pbtxt").is_file()
