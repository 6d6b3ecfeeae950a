"""docker compose: the same server over the same files as in Kubernetes."""

from collections.abc import Callable
from pathlib import Path

import yaml

from tests.unit.deploy.conftest import DEPLOY


def _compose() -> dict:
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text())


def test_the_server_is_the_one_of_the_manifests(build: Callable[[Path], list[dict]]) -> None:
    resources = build(DEPLOY / "kubernetes" / "overlays" / "cpu")
    (deployment,) = [one for one in resources if one["kind"] == "Deployment"]
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    (sidecar,) = deployment["spec"]["template"]["spec"]["initContainers"]
    services = _compose()["services"]
    assert services["serving"]["image"] == container["image"]
    assert services["models"]["image"] == services["prepare"]["image"] == sidecar["image"]
    assert set(services["serving"]["command"]) <= set(container["args"])
    assert container["readinessProbe"]["httpGet"]["path"] in services["serving"]["healthcheck"]["test"][-1]


def test_files_that_are_mounted_exist_and_are_read_only() -> None:
    services = _compose()["services"]
    mounts = [mount for service in services.values() for mount in service["volumes"] if mount.startswith("./")]
    assert len(mounts) == 3
    for mount in mounts:
        source, _, mode = mount.split(":")
        assert (DEPLOY / source).is_file()
        assert mode == "ro"


def test_services_are_locked_down_and_on_this_machine_only() -> None:
    services = _compose()["services"]
    for name in ("models", "serving"):
        service = services[name]
        assert service["user"] == "10001:10001"
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
    assert all(port.startswith("127.0.0.1:") for port in services["serving"]["ports"])
    assert not any("ports" in services[name] for name in ("models", "prepare"))
