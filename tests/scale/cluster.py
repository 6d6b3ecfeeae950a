"""A cluster on the loopback for tests: each of its processes is one of the operating system's, and ends with the cluster."""

from __future__ import annotations

import abc
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.scale.site import make_site
from tests.support.waiting import wait_until


class Cluster(abc.ABC):
    """A cluster for the time of a `with` block; nothing of it is left after that.

    The workers run what an installed wheel of this checkout holds, as they would in production.
    """

    def __init__(self, slots: int, site: Path | None = None) -> None:
        """Describe the cluster.

        Args:
            slots: Tasks that it runs at a time.
            site: The workers' environment, see `tests.scale.site`; None makes one with this checkout's wheel.
        """
        self.slots = slots
        self._site = site
        self._processes: list[subprocess.Popen] = []

    @abc.abstractmethod
    def _start(self) -> None:
        """Start everything, and wait until it is there."""

    def __enter__(self) -> Self:
        self.directory = Path(tempfile.mkdtemp(prefix="forger-cluster-"))
        try:
            self.site = self._site or make_site(self.directory / "site")
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    @contextlib.contextmanager
    def another_pool(self, site: Path) -> Iterator[str]:
        """Run a worker pool of another environment; gives its address."""
        (port,) = free_ports(1)
        process = self._worker_pool(site, port)
        try:
            wait_until(lambda: answers(f"127.0.0.1:{port}"), 120)
            yield f"127.0.0.1:{port}"
        finally:
            self._end(process)

    def _worker_pool(self, site: Path, port: int) -> subprocess.Popen:
        module = "apache_beam.runners.worker.worker_pool_main"
        # The pool starts its workers by the name `python`.
        path = f"{site / 'bin'}:{os.environ['PATH']}"
        return self._spawn("worker-pool", [str(site / "bin/python"), "-m", module, f"--service_port={port}"], {"PATH": path})

    def _spawn(self, name: str, command: list[str], environment: dict[str, str]) -> subprocess.Popen:
        # The workers must not find this checkout by chance.
        inherited = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        with (self.directory / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                command,
                cwd=self.directory,
                env={**inherited, **environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                process_group=0,  # its children end with it, see `_end`
            )
        self._processes.append(process)
        return process

    def _check_alive(self) -> None:
        """Fail if a process has ended by itself."""
        for process in self._processes:
            assert process.poll() is None, f"{process.args[-1]} has ended:\n{self.logs()}"

    def logs(self) -> str:
        """The end of every process's log."""
        return "\n".join(f"--- {log.name}\n{log.read_text(errors='replace')[-4000:]}" for log in self.directory.glob("*.log"))

    def stop(self) -> None:
        """End every process, and theirs, and remove what they have written."""
        for process in self._processes[::-1]:
            self._end(process)
        shutil.rmtree(self.directory, ignore_errors=True)

    def _end(self, process: subprocess.Popen) -> None:
        """Kill a process and its children."""
        self._processes.remove(process)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def free_ports(count: int) -> list[int]:
    """Ports of the loopback that nobody listens on now."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def answers(address: str) -> bool:
    """Say whether somebody listens at HOST:PORT."""
    host, port = address.rsplit(":", 1)
    with contextlib.suppress(OSError), socket.create_connection((host, int(port)), timeout=2):
        return True
    return False
