"""What the clusters of Beam's portable runners have in common, Flink and Spark."""

from __future__ import annotations

import abc
import json
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field, model_validator

from pipeline.engines.base import BEAM_VERSION, NO_IMAGE, Engine, check_address

_MAVEN = Path.home() / ".m2/repository/org/apache/beam"


class ClusterEngine(Engine):
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
    def _environment_is_whole(self) -> ClusterEngine:
        kind = self.beam_environment
        if kind == "external":
            check_address(self.workers, "--beam-workers")
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

    @property
    @abc.abstractmethod
    def jar(self) -> Path:
        """The job server's."""

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
            f"--sdk_container_image={self.beam_image or NO_IMAGE}",
            *([f"--temp_location={self.beam_temp}"] if self.beam_temp else []),
        ]
