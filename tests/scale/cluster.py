"""A real Flink cluster on the loopback: JobManager, TaskManagers and Beam's worker pool, each a process of its own."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.scale.downloads import flink_libraries, job_server_jar
from tests.scale.site import make_site
from tests.support.waiting import wait_until

# What Flink's serialisers reach into; its own start scripts open the same.
_OPENED = ("lang", "lang.reflect", "net", "io", "nio", "text", "time", "util", "util.concurrent", "util.concurrent.atomic",
           "util.concurrent.locks")  # fmt: skip
_JAVA = [
    "java",
    *(flag for name in _OPENED for flag in ("--add-opens", f"java.base/java.{name}=ALL-UNNAMED")),
    *("--add-opens", "java.base/sun.nio.ch=ALL-UNNAMED", "--add-exports", "java.base/sun.net.util=ALL-UNNAMED"),
    *("--add-exports", "java.security.jgss/sun.security.krb5=ALL-UNNAMED"),
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",  # short jobs: the optimising compiler would only take the cores from them
]
_JOB_MANAGER = "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint"
_TASK_MANAGER = "org.apache.flink.runtime.taskexecutor.TaskManagerRunner"
_LOG4J = """rootLogger.level = INFO
rootLogger.appenderRef.out.ref = out
appender.out.name = out
appender.out.type = CONSOLE
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d %-5p %-40c{1} %m%n
"""


class FlinkCluster:
    """A cluster for the time of a `with` block; nothing of it is left after that.

    The workers run what an installed wheel of this checkout holds, as they would in production.
    """

    def __init__(self, slots: int, site: Path | None = None) -> None:
        """Describe the cluster.

        Args:
            slots: Task slots of the (one) TaskManager.
            site: The workers' environment, see `tests.scale.site`; None makes one with this checkout's wheel.
        """
        self.slots = slots
        self.job_server_jar = job_server_jar()
        self._site = site
        self._processes: list[subprocess.Popen] = []
        self._task_manager: subprocess.Popen | None = None

    def __enter__(self) -> FlinkCluster:
        self.directory = Path(tempfile.mkdtemp(prefix="forger-flink-"))
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def _start(self) -> None:
        self.site = self._site or make_site(self.directory / "site")
        rest, rpc, pool = free_ports(3)
        self.master = f"127.0.0.1:{rest}"
        self.worker_pool = f"127.0.0.1:{pool}"
        settings = {
            "jobmanager.rpc.address": "127.0.0.1",
            "jobmanager.rpc.port": rpc,
            "jobmanager.bind-host": "127.0.0.1",
            "rest.address": "127.0.0.1",
            "rest.bind-address": "127.0.0.1",
            "rest.port": rest,
            "taskmanager.host": "127.0.0.1",
            "taskmanager.bind-host": "127.0.0.1",
            "taskmanager.numberOfTaskSlots": self.slots,
            "taskmanager.cpu.cores": self.slots,
            # Given whole: the start scripts, which would work the rest out, are not part of the libraries.
            "taskmanager.memory.framework.heap.size": "128m",
            "taskmanager.memory.framework.off-heap.size": "128m",
            "taskmanager.memory.task.heap.size": "512m",
            "taskmanager.memory.task.off-heap.size": "64m",
            "taskmanager.memory.network.min": "256m",
            "taskmanager.memory.network.max": "256m",
            # Of 512 by default, 16 MiB for each of a job's dozens of shuffles.
            "taskmanager.network.sort-shuffle.min-buffers": 32,
            "taskmanager.memory.managed.size": "128m",
            "taskmanager.memory.jvm-metaspace.size": "256m",
            "taskmanager.memory.jvm-overhead.min": "192m",
            "taskmanager.memory.jvm-overhead.max": "192m",
            "heartbeat.interval": 2000,  # ms; a lost TaskManager is noticed after two of them
            # The one that counts the tasks of one lost TaskManager as one failure; another would give up at once.
            "restart-strategy.type": "exponential-delay",
            "restart-strategy.exponential-delay.initial-backoff": "2 s",
            "restart-strategy.exponential-delay.attempts-before-reset-backoff": 3,
            "io.tmp.dirs": self.directory / "tmp",
            "web.tmpdir": self.directory / "web",
        }
        (self.directory / "tmp").mkdir()
        (self.directory / "web").mkdir()
        (self.directory / "config.yaml").write_text("".join(f"{key}: {value}\n" for key, value in settings.items()))
        (self.directory / "log4j.properties").write_text(_LOG4J)
        self._java("job-manager", "512m", _JOB_MANAGER)
        self.start_task_manager()
        self._worker_pool(self.site, pool)
        wait_until(self._is_ready, 180)

    def start_task_manager(self) -> None:
        """Start a TaskManager; also in the place of one that was killed."""
        self._task_manager = self._java("task-manager", "640m", _TASK_MANAGER)

    def kill_task_manager(self) -> None:
        """Kill the TaskManager as a machine's loss would (`kill -9`)."""
        self._processes.remove(self._task_manager)
        _end(self._task_manager)

    def _java(self, name: str, heap: str, main: str) -> subprocess.Popen:
        classpath = ":".join(map(str, flink_libraries()))
        log4j = f"-Dlog4j.configurationFile={self.directory / 'log4j.properties'}"
        command = [*_JAVA, f"-Xmx{heap}", log4j, "-cp", classpath, main, "--configDir", str(self.directory)]
        return self._spawn(name, command, {"FLINK_CONF_DIR": str(self.directory)})

    @contextlib.contextmanager
    def another_pool(self, site: Path) -> Iterator[str]:
        """Run a worker pool of another environment; gives its address."""
        (port,) = free_ports(1)
        process = self._worker_pool(site, port)
        try:
            wait_until(lambda: _answers(f"127.0.0.1:{port}"), 120)
            yield f"127.0.0.1:{port}"
        finally:
            self._processes.remove(process)
            _end(process)

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

    def _is_ready(self) -> bool:
        for process in self._processes:
            assert process.poll() is None, f"{process.args[-1]} has ended:\n{self.logs()}"
        with contextlib.suppress(OSError):
            return self.get("overview")["slots-total"] == self.slots and _answers(self.worker_pool)
        return False

    def get(self, path: str) -> Any:
        """Ask Flink's REST API."""
        with urllib.request.urlopen(f"http://{self.master}/{path}", timeout=30) as answer:
            return json.load(answer)

    def jobs(self) -> list[dict[str, Any]]:
        """All jobs, oldest first, with their vertices."""
        jobs = sorted(self.get("jobs/overview")["jobs"], key=lambda job: job["start-time"])
        return [self.get(f"jobs/{job['jid']}") for job in jobs]

    def logs(self) -> str:
        """The end of every process's log."""
        return "\n".join(f"--- {log.name}\n{log.read_text(errors='replace')[-4000:]}" for log in self.directory.glob("*.log"))

    def stop(self) -> None:
        """End every process, and theirs, and remove what they have written."""
        for process in reversed(self._processes):
            _end(process)
        self._processes.clear()
        shutil.rmtree(self.directory, ignore_errors=True)


def _end(process: subprocess.Popen) -> None:
    """Kill a process and its children."""
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


def _answers(address: str) -> bool:
    host, port = address.rsplit(":", 1)
    with contextlib.suppress(OSError), socket.create_connection((host, int(port)), timeout=2):
        return True
    return False
