"""Where the Beam steps run: on this machine, or on Flink, Spark or Dataflow.

Each engine is a profile: typed fields, named as the options of the command are, and what Beam is told for them.
"""

from __future__ import annotations

import abc
import hashlib
import json
import re
from importlib.metadata import version
from pathlib import Path
from typing import ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, model_validator

BEAM_VERSION = version("apache-beam")
FLINK_VERSION = "1.20"  # the newest minor release that the locked Beam runs on
_MAVEN = Path.home() / ".m2/repository/org/apache/beam"
# A container image, even one that nothing uses, keeps TFX from building a source distribution of itself for every Beam step.
_NO_IMAGE = "none"
_KEEP_WORKERS_MS = 3_600_000  # else a job on Spark starts its workers anew, in seconds, for each of its many stages


class Engine(BaseModel, abc.ABC):
    """What all engines have."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    runner: ClassVar[str]

    beam: tuple[str, ...] = ()  # further Beam arguments; an argument named again wins

    @model_validator(mode="after")
    def _one_way_to_choose(self) -> Engine:
        for argument in self.beam:
            if not argument.startswith("--"):
                raise ValueError(f"--beam {argument}: a Beam argument starts with --, e.g. --beam=--max_parallelism=128")
            if argument.split("=")[0] == "--runner":
                raise ValueError(f"--beam {argument}: choose the engine with --beam-runner")
        return self

    @abc.abstractmethod
    def arguments(self) -> list[str]:
        """Return what Beam is told for the fields."""

    def beam_args(self, job_name: str = "forger") -> list[str]:
        """Return Beam's command-line arguments.

        Args:
            job_name: What the engine's own pages call the job: lower case, digits and hyphens, which all engines take.
        """
        return [*self.arguments(), f"--job_name={job_name}", *self.beam]


class LocalEngine(Engine):
    """This process."""

    runner = "local"

    def arguments(self) -> list[str]:
        """See `Engine`.

        The in-memory runner: Beam's default first tries to download a Prism binary; multi-processing was slower on 2 cores.
        """
        in_memory = ["--runner=FnApiRunner", "--direct_running_mode=in_memory", "--direct_num_workers=1"]
        return [*in_memory, f"--sdk_container_image={_NO_IMAGE}"]


class _ClusterEngine(Engine):
    """A cluster of Beam's portable runners: the engine moves the records, Python workers beside it run the code.

    Nothing is sent to the workers at run time: their environment is made as this one is, from the lock and Forger's wheel.
    """

    job_server: ClassVar[str]  # Maven's name of the jar with the engine's side of Beam

    beam_parallelism: int | None = Field(default=None, ge=1)  # tasks of each step at a time; None: the cluster's own default
    beam_environment: Literal["external", "docker", "process", "loopback"] = "external"
    beam_workers: str = ""  # external: HOST:PORT of the worker pool as the engine sees it; process: command that starts a worker
    beam_processes: int = Field(default=1, ge=1)  # worker processes a machine of the engine; as many as it has slots is usual
    beam_image: str = ""  # docker: image of the workers
    beam_temp: str = ""  # Beam's own temporary files, where all workers see them
    beam_allow_skew: bool = False  # take a job server or a cluster of another release

    @model_validator(mode="after")
    def _environment_is_whole(self) -> _ClusterEngine:
        kind = self.beam_environment
        if kind == "external":
            _address(self.workers, "--beam-workers")
        elif kind == "process" and not self.beam_workers:
            raise ValueError("--beam-environment process needs --beam-workers, the command that starts a worker")
        elif kind == "docker" and not self.beam_image:
            raise ValueError("--beam-environment docker needs --beam-image, an image with this version of Forger")
        if kind in {"docker", "loopback"} and self.beam_workers:
            raise ValueError(f"--beam-workers is of no use with --beam-environment {kind}")
        return self

    @property
    def workers(self) -> str:
        """`beam_workers`; a worker pool beside each of the engine's machines is the usual place."""
        return self.beam_workers or ("localhost:50000" if self.beam_environment == "external" else "")

    def _jar(self, named: Path | None) -> Path:
        """The job server: the one named, else where Maven keeps it."""
        return named or _MAVEN / self.job_server / BEAM_VERSION / f"{self.job_server}-{BEAM_VERSION}.jar"

    def arguments(self) -> list[str]:
        """See `Engine`."""
        config = {"external": self.workers, "docker": self.beam_image, "process": json.dumps({"command": self.workers})}
        return [
            # Beam fuses the steps here: the engines' own way sends all rows through their Java, which holds them: docs/growth.md
            "--experiments=pre_optimize=all",
            f"--environment_type={self.beam_environment.upper()}",
            *([f"--environment_config={config[self.beam_environment]}"] if self.beam_environment in config else []),
            f"--sdk_worker_parallelism={self.beam_processes}",
            f"--sdk_container_image={self.beam_image or _NO_IMAGE}",
            *([f"--temp_location={self.beam_temp}"] if self.beam_temp else []),
        ]


class FlinkEngine(_ClusterEngine):
    """A session cluster of Apache Flink."""

    runner = "flink"
    job_server = f"beam-runners-flink-{FLINK_VERSION}-job-server"

    flink_master: str  # HOST:PORT of the REST API
    flink_job_server_jar: Path | None = None  # Beam's, for this Flink; None: where Maven keeps it

    @model_validator(mode="after")
    def _master_is_an_address(self) -> FlinkEngine:
        _address(self.flink_master, "--flink-master", "http", "https")
        return self

    @property
    def url(self) -> str:
        """The REST API's."""
        return self.flink_master.rstrip("/") if "://" in self.flink_master else f"http://{self.flink_master}"

    @property
    def jar(self) -> Path:
        """The job server's."""
        return self._jar(self.flink_job_server_jar)

    def arguments(self) -> list[str]:
        """See `Engine`.

        The whole job goes to the cluster as one jar over its REST API: no Java, no open port and no shared staging directory is
        needed on this side.
        """
        return [
            "--runner=FlinkRunner",
            f"--flink_master={self.url}",
            "--flink_submit_uber_jar",
            f"--flink_job_server_jar={self.jar}",
            *([f"--parallelism={self.beam_parallelism}"] if self.beam_parallelism else []),
            *super().arguments(),
        ]


class SparkEngine(_ClusterEngine):
    """A standalone cluster of Apache Spark 3, through Beam's job server, which Beam starts here (it needs Java)."""

    runner = "spark"
    job_server = "beam-runners-spark-3-job-server"

    spark_master: str  # spark://HOST:PORT
    spark_job_server_jar: Path | None = None  # Beam's, for Spark 3; None: where Maven keeps it

    @model_validator(mode="after")
    def _master_is_an_address(self) -> SparkEngine:
        if not self.spark_master.startswith("spark://"):
            raise ValueError(f"--spark-master must be spark://HOST:PORT, not {self.spark_master!r}")
        _address(self.spark_master, "--spark-master", "spark")
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


class DataflowEngine(Engine):
    """Google Cloud Dataflow."""

    runner = "dataflow"

    dataflow_project: str
    dataflow_region: str
    beam_temp: str  # gs://
    beam_image: str  # of the workers, with Forger in it
    beam_parallelism: int | None = Field(default=None, ge=1)  # most workers at a time; None: Dataflow's own choice

    @model_validator(mode="after")
    def _temp_is_in_a_bucket(self) -> DataflowEngine:
        if not re.fullmatch(r"gs://[a-z0-9][a-z0-9._-]+(/.*)?", self.beam_temp):
            raise ValueError(f"--beam-temp must be a place in a bucket, gs://BUCKET/PATH, not {self.beam_temp!r}")
        return self

    def arguments(self) -> list[str]:
        """See `Engine`."""
        return [
            "--runner=DataflowRunner",
            f"--project={self.dataflow_project}",
            f"--region={self.dataflow_region}",
            f"--temp_location={self.beam_temp}",
            f"--sdk_container_image={self.beam_image}",
            "--experiments=use_runner_v2",  # what a custom image needs
            *([f"--max_num_workers={self.beam_parallelism}"] if self.beam_parallelism else []),
        ]


def job_prefix(home: Path) -> str:
    """Return what the names of a home's jobs begin with, so that its next run can tell them from others'."""
    return f"forger-{hashlib.sha256(str(home).encode()).hexdigest()[:8]}"


def spark_mark(prefix: str) -> str:
    """Return the word by which the job servers of a home's runs are told from others'; see `pipeline.engines.spark`."""
    return f"-Dforger.jobs={prefix}"


def _address(text: str, option: str, *schemes: str) -> None:
    """Check HOST:PORT, with or without one of some schemes."""
    try:
        parts = urlsplit(text if "://" in text else f"//{text}")
        good = bool(parts.hostname) and bool(parts.port) and parts.scheme in ("", *schemes)
    except ValueError:
        good = False
    if not good:
        raise ValueError(f"{option} must be HOST:PORT, not {text!r}")
