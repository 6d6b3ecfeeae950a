"""A real Flink cluster on the loopback: JobManager, TaskManager and Beam's worker pool."""

from __future__ import annotations

import contextlib
import json
import subprocess
import urllib.request
from typing import Any

from pipeline.engines.flink import FlinkEngine
from tests.scale.cluster import Cluster, answers, free_ports
from tests.scale.downloads import flink_libraries, job_server_jar
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


class FlinkCluster(Cluster):
    """A session cluster of one TaskManager."""

    def _start(self) -> None:
        self.job_server_jar = job_server_jar(FlinkEngine)
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
        self._end(self._task_manager)

    def _java(self, name: str, heap: str, main: str) -> subprocess.Popen:
        classpath = ":".join(map(str, flink_libraries()))
        log4j = f"-Dlog4j.configurationFile={self.directory / 'log4j.properties'}"
        command = [*_JAVA, f"-Xmx{heap}", log4j, "-cp", classpath, main, "--configDir", str(self.directory)]
        return self._spawn(name, command, {"FLINK_CONF_DIR": str(self.directory)})

    def _is_ready(self) -> bool:
        self._check_alive()
        with contextlib.suppress(OSError):
            return self.get("overview")["slots-total"] == self.slots and answers(self.worker_pool)
        return False

    def get(self, path: str) -> Any:
        """Ask Flink's REST API."""
        with urllib.request.urlopen(f"http://{self.master}/{path}", timeout=30) as answer:
            return json.load(answer)

    def jobs(self) -> list[dict[str, Any]]:
        """All jobs, oldest first, with their vertices."""
        jobs = sorted(self.get("jobs/overview")["jobs"], key=lambda job: job["start-time"])
        return [self.get(f"jobs/{job['jid']}") for job in jobs]
