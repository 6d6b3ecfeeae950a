"""The manifests as a cluster would get them."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

DEPLOY = Path(__file__).parents[3] / "serving" / "deploy"


@pytest.fixture(scope="session")
def build() -> Callable[[Path], list[dict]]:
    """Run `kubectl kustomize` on a directory."""
    if not shutil.which("kubectl"):
        pytest.fail("the manifests cannot be built: install kubectl 1.29 or newer", pytrace=False)

    def run(directory: Path) -> list[dict]:
        done = subprocess.run(["kubectl", "kustomize", str(directory)], capture_output=True, check=False, text=True)
        assert done.returncode == 0, done.stderr
        assert "deprecated" not in done.stderr
        return list(yaml.safe_load_all(done.stdout))

    return run


@pytest.fixture(scope="session", params=["cpu", "gpu"])
def overlay(request: pytest.FixtureRequest, build: Callable[[Path], list[dict]]) -> list[dict]:
    return build(DEPLOY / "kubernetes" / "overlays" / request.param)
