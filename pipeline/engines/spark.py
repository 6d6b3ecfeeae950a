"""A standalone cluster of Apache Spark 3: what Beam is told, and what is looked at before a run."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import signal
import socket
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import model_validator

from pipeline.engines.base import check_address
from pipeline.engines.cluster import ClusterEngine
from pipeline.engines.job_server import check_jar
from serving.repository.errors import UserError

_LOGGER = logging.getLogger(__name__)
_KEEP_WORKERS_MS = 3_600_000  # else a job on Spark starts its workers anew, in seconds, for each of its many stages
_TIMEOUT_S = 10.0


class SparkEngine(ClusterEngine):
    """A standalone cluster of Apache Spark 3, through Beam's job server, which Beam starts here (it needs Java)."""

    runner = "spark"
    job_server = "beam-runners-spark-3-job-server"

    spark_master: str  # spark://HOST:PORT
    spark_job_server_jar: Path | None = None  # Beam's, for Spark 3; None: where Maven keeps it

    @model_validator(mode="after")
    def _master_is_an_address(self) -> SparkEngine:
        if not self.spark_master.startswith("spark://"):
            raise ValueError(f"--spark-master must be spark://HOST:PORT, not {self.spark_master!r}")
        check_address(self.spark_master, "--spark-master", "spark")
        return self

    @property
    def jar(self) -> Path:
        """The job server's."""
        return self._jar(self.spark_job_server_jar)

    def arguments(self) -> list[str]:
        """See `Engine`."""
        return [
            "--runner=SparkRunner",
            f"--spark_master_url={self.spark_master}",
            f"--spark_job_server_jar={self.jar}",
            # What Spark's own start script opens to it in Java 17; Beam starts Java without that script.
            "--job_server_jvm_properties=--add-exports=java.base/sun.nio.ch=ALL-UNNAMED",
            *([f"--job_server_jvm_properties=-Dspark.cores.max={self.beam_parallelism}"] if self.beam_parallelism else []),
            f"--environment_cache_millis={_KEEP_WORKERS_MS}",
            *super().arguments(),
        ]

    def beam_args(self, job_name: str = "forger") -> list[str]:
        """See `Engine`; the job server carries a mark of the home, by which a later run finds one that was left."""
        return [f"--job_server_jvm_properties={spark_mark('-'.join(job_name.split('-')[:2]))}", *super().beam_args(job_name)]

    def check(self, prefix: str) -> None:
        """See `Engine`."""
        check_jar(self)
        check_master(self)
        if end_job_servers(prefix):
            _LOGGER.info("ended what an earlier run had left on Spark")


def check_master(engine: SparkEngine) -> None:
    """Check what can be known before Beam starts its job server here.

    Raises:
        UserError: One line that says what isn't so.
    """
    if not shutil.which("java"):
        raise UserError("--beam-runner spark starts Beam's job server here, which needs Java 11 or 17: install it, or use flink")
    place = urlsplit(engine.spark_master)
    try:
        with socket.create_connection((place.hostname, place.port), timeout=_TIMEOUT_S):
            pass
    except OSError as error:
        raise UserError(
            f"no Spark answers at {engine.spark_master} ({error}): start it, or name another with --spark-master"
        ) from None


def end_job_servers(prefix: str) -> int:
    """Kill the job servers that a killed run of a home has left; returns how many.

    Beam starts one as a child of the run. Left alone, it would go on writing where the next run writes; Spark ends the job of one
    that is gone.

    Args:
        prefix: `pipeline.engines.base.job_prefix` of the home.
    """
    ended = 0
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, IndexError):  # others' processes, and those that have just ended
            words = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
            parent = (process / "stat").read_text().rpartition(")")[2].split()[1]
            if spark_mark(prefix) in words and int(parent) != os.getpid():
                os.kill(int(process.name), signal.SIGKILL)
                ended += 1
    return ended


def spark_mark(prefix: str) -> str:
    """Return the word by which the job servers of a home's runs are told from others'."""
    return f"-Dforger.jobs={prefix}"
