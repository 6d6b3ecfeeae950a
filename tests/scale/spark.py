"""A real Spark cluster on the loopback: a standalone master and one worker of it, from Spark's own start script."""

from __future__ import annotations

import contextlib
import json
import subprocess
import urllib.request
from typing import Any

from pipeline.engines.spark import SparkEngine
from tests.scale.cluster import Cluster, free_ports
from tests.scale.downloads import job_server_jar, spark_home
from tests.support.waiting import wait_until

_DEPLOY = "org.apache.spark.deploy"


class SparkCluster(Cluster):
    """A standalone cluster, without Beam's workers: its executors start those."""

    def _start(self) -> None:
        self.job_server_jar = job_server_jar(SparkEngine)
        port, self._page, worker_page = free_ports(3)
        self.master = f"spark://127.0.0.1:{port}"
        here = ("--host", "127.0.0.1", "--webui-port")
        self._spark("master", f"{_DEPLOY}.master.Master", *here, self._page, "--port", port)
        slots = ("--cores", self.slots, "--memory", "1g", "--work-dir", self.directory / "work")
        self._spark("worker", f"{_DEPLOY}.worker.Worker", *here, worker_page, *slots, self.master)
        wait_until(self._is_ready, 180)

    def _spark(self, name: str, *command: Any) -> subprocess.Popen:
        (self.directory / "conf").mkdir(exist_ok=True)
        environment = {
            "SPARK_HOME": str(spark_home()),
            "SPARK_CONF_DIR": str(self.directory / "conf"),  # not one of this machine's
            "SPARK_LOCAL_IP": "127.0.0.1",
        }
        return self._spawn(name, ["bash", str(spark_home() / "bin/spark-class"), *map(str, command)], environment)

    def _is_ready(self) -> bool:
        self._check_alive()
        with contextlib.suppress(OSError):
            return self._state()["cores"] == self.slots
        return False

    def _state(self) -> dict[str, Any]:
        """What the master's page says."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self._page}/json/", timeout=30) as answer:
            return json.load(answer)

    def jobs(self) -> list[dict[str, Any]]:
        """The jobs that have ended, in any order."""
        return self._state()["completedapps"]
