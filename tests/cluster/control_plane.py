"""etcd and kube-apiserver on the loopback interface: admission, validation and rights, without nodes or controllers."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.cluster.modules import kube_apiserver
from tests.support.kubeflow.kubeconfig import write_kubeconfig

# Token, user, number, groups: one may do all, the other only what a role says.
_TOKENS = 'admin-token,admin,1,"system:masters"\nrunner-token,runner,2\n'


@dataclass(frozen=True)
class ControlPlane:
    """A running API server.

    Attributes:
        admin: Kubeconfig of one who may do all.
        runner: Kubeconfig of the user "runner", who has no rights until a role gives them.
    """

    admin: Path
    runner: Path

    def kubectl(self, *arguments: str, given: object = None, refused: bool = False) -> str:
        """Run kubectl as admin; returns what it says.

        Args:
            arguments: Of kubectl.
            given: Objects for its standard input.
            refused: Expect a refusal.
        """
        text = yaml.safe_dump_all(given if isinstance(given, list) else [given]) if given is not None else None
        command = ["kubectl", "--kubeconfig", str(self.admin), *arguments, *(["-f", "-"] if text else [])]
        done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
        assert bool(done.returncode) is refused, done.stdout + done.stderr
        return done.stdout + done.stderr

    def apply(self, *arguments: str, given: object = None) -> str:
        """Apply with the server's own, strict validation: an unknown field is an error, and a warning, too."""
        said = self.kubectl("apply", "--server-side", "--validate=strict", *arguments, given=given)
        assert "Warning" not in said, said
        return said


@contextmanager
def running(directory: Path) -> Iterator[ControlPlane]:
    """Start etcd and kube-apiserver; both end with the block."""
    assert shutil.which("etcd"), "etcd is missing: apt-get install etcd-server"
    server, (etcd_port, peer_port, port) = kube_apiserver(), (_free_port() for _ in range(3))
    etcd = [
        *("etcd", "--data-dir", str(directory / "etcd"), "--unsafe-no-fsync"),
        *("--listen-client-urls", f"http://127.0.0.1:{etcd_port}", "--advertise-client-urls", f"http://127.0.0.1:{etcd_port}"),
        *("--listen-peer-urls", f"http://127.0.0.1:{peer_port}"),
    ]
    key = directory / "accounts.key"
    subprocess.run(["openssl", "genrsa", "-out", str(key), "2048"], check=True, capture_output=True)
    (directory / "tokens.csv").write_text(_TOKENS)
    api = [
        *(str(server), "--etcd-servers", f"http://127.0.0.1:{etcd_port}", "--cert-dir", str(directory / "certificates")),
        *("--bind-address", "127.0.0.1", "--secure-port", str(port), "--service-cluster-ip-range", "10.0.0.0/24"),
        *("--service-account-issuer", "https://localhost", "--service-account-signing-key-file", str(key)),
        *("--service-account-key-file", str(key), "--token-auth-file", str(directory / "tokens.csv")),
        *("--authorization-mode", "RBAC"),
    ]
    url, certificate = f"https://127.0.0.1:{port}", directory / "certificates" / "apiserver.crt"
    configs = [
        write_kubeconfig(directory / name, url, {"token": f"{name}-token"}, **{"certificate-authority": str(certificate)})
        for name in ("admin", "runner")
    ]
    with _process(etcd, directory / "etcd.log"), _process(api, directory / "apiserver.log") as process:
        _wait_until_ready(url, process, directory / "apiserver.log")
        yield ControlPlane(*configs)


@contextmanager
def _process(command: list[str], log: Path) -> Iterator[subprocess.Popen]:
    with log.open("wb") as stream, subprocess.Popen(command, stdout=stream, stderr=stream) as process:
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()


def _wait_until_ready(url: str, process: subprocess.Popen, log: Path) -> None:
    context = ssl._create_unverified_context()  # the certificate is made while the server starts
    deadline = time.monotonic() + 180
    while True:
        request = urllib.request.Request(f"{url}/readyz", headers={"Authorization": "Bearer admin-token"})
        try:
            with urllib.request.urlopen(request, timeout=5, context=context):
                return
        except (OSError, urllib.error.URLError):
            assert process.poll() is None and time.monotonic() < deadline, log.read_text(errors="replace")[-3000:]
            time.sleep(0.5)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]
