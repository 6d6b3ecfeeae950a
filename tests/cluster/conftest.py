"""One control plane for all tests here, with the CRDs that the manifests need."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cluster.control_plane import ControlPlane, running
from tests.cluster.modules import MONITOR_CRD, TFJOB_CRD, module_file


@pytest.fixture(scope="session")
def control_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """The control plane; Prometheus' ServiceMonitor and the training operator's TFJob are known."""
    with running(tmp_path_factory.mktemp("control-plane")) as started:
        for crd in (MONITOR_CRD, TFJOB_CRD):
            started.kubectl("apply", "--server-side", "-f", str(module_file(*crd)))
        started.kubectl("wait", "--for=condition=Established", "--timeout=60s", "crd", "--all")
        yield started


@pytest.fixture(autouse=True)
def _kubeconfig(control_plane: ControlPlane, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let our own code find the control plane, as admin."""
    monkeypatch.setenv("KUBECONFIG", str(control_plane.admin))
