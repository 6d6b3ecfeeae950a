"""A session cluster of Apache Flink: what Beam is told, and what its REST API says of it before a run."""

from __future__ import annotations

import contextlib
import json
import logging
import time
import urllib.request
import zipfile
from pathlib import Path
from typing import Any

from pydantic import model_validator

from pipeline.engines.base import check_address
from pipeline.engines.cluster import ClusterEngine
from pipeline.engines.job_server import check_jar, read_property
from serving.repository.errors import UserError

FLINK_VERSION = "1.20"  # the newest minor release that the locked Beam runs on
_LOGGER = logging.getLogger(__name__)
_TIMEOUT_S = 10.0
_CANCEL_S = 60.0  # for a job to end after it was cancelled
_LIVE = {"INITIALIZING", "CREATED", "RUNNING", "FAILING", "CANCELLING", "RESTARTING", "SUSPENDED", "RECONCILING"}
_FLINK_MARK = ".flink-runtime.version.properties"  # where a jar says which Flink it is for


class FlinkEngine(ClusterEngine):
    """A session cluster of Apache Flink."""

    runner = "flink"
    job_server = f"beam-runners-flink-{FLINK_VERSION}-job-server"

    flink_master: str  # HOST:PORT of the REST API
    flink_job_server_jar: Path | None = None  # Beam's, for this Flink; None: where Maven keeps it

    @model_validator(mode="after")
    def _master_is_an_address(self) -> FlinkEngine:
        check_address(self.flink_master, "--flink-master", "http", "https")
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

    def check(self, prefix: str) -> None:
        """See `Engine`."""
        check_jar(self)
        check_cluster(self)
        for name in cancel_jobs(self, prefix):
            _LOGGER.info("cancelled %s of an earlier run", name)

    def end_jobs(self, prefix: str) -> None:
        """See `Engine`."""
        with contextlib.suppress(UserError):  # the run's own error says more
            cancel_jobs(self, prefix)


def check_cluster(engine: FlinkEngine) -> None:
    """Check that the cluster answers, is of a release that the job server knows, and has slots enough.

    Raises:
        UserError: One line that says what isn't so.
    """
    found = request(engine, "config").get("flink-version", "")
    with zipfile.ZipFile(engine.jar) as archive:
        wanted = read_property(archive, _FLINK_MARK, "project.version") if _FLINK_MARK in archive.namelist() else FLINK_VERSION
    if _minor(found) != _minor(wanted) and not engine.beam_allow_skew:
        raise UserError(
            f"{engine.flink_master} is Flink {found}, but {engine.jar.name} is for Flink {_minor(wanted)}: use a cluster and a "
            "job server of one release, or try it with --beam-allow-skew"
        )
    settings = {entry["key"] for entry in request(engine, "jobmanager/config")}
    if any(key.startswith(("kubernetes.", "yarn.")) for key in settings):
        return  # it starts TaskManagers when a job needs them
    slots = request(engine, "overview")["slots-total"]
    if slots < (engine.beam_parallelism or 1):
        raise UserError(
            f"{engine.flink_master} has {slots} task slots, --beam-parallelism asks for {engine.beam_parallelism or 1}: start "
            "more TaskManagers, or ask for less"
        )


def cancel_jobs(engine: FlinkEngine, prefix: str) -> list[str]:
    """Cancel the jobs that still run under a prefix, and wait for their end; returns their names.

    A job outlives a run that was killed. It would go on writing where the next run writes.

    Raises:
        UserError: One doesn't end.
    """
    left = [job for job in request(engine, "jobs/overview")["jobs"] if job["name"].startswith(prefix) and job["state"] in _LIVE]
    for job in left:
        request(engine, f"jobs/{job['jid']}?mode=cancel", "PATCH")
    end = time.monotonic() + _CANCEL_S
    for job in left:
        while request(engine, f"jobs/{job['jid']}")["state"] in _LIVE:
            if time.monotonic() > end:
                raise UserError(f"the job {job['name']} of an earlier run doesn't end: cancel it at {engine.url}, then run again")
            time.sleep(0.5)
    return [job["name"] for job in left]


def request(engine: FlinkEngine, path: str, method: str = "GET") -> Any:
    """Ask the REST API.

    Raises:
        UserError: Nobody answers there, or not as Flink does.
    """
    try:
        query = urllib.request.Request(f"{engine.url}/v1/{path}", method=method)  # noqa: S310 (http(s), see `FlinkEngine.url`)
        with urllib.request.urlopen(query, timeout=_TIMEOUT_S) as answer:  # noqa: S310
            return json.loads(answer.read() or "{}")
    except (OSError, ValueError) as error:
        why = getattr(error, "reason", None) or error
        raise UserError(
            f"no Flink answers at {engine.flink_master} ({why}): start it, or name another with --flink-master"
        ) from None


def _minor(release: str) -> str:
    return ".".join(release.split(".")[:2])
