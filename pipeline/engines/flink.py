"""A Flink cluster seen through its REST API: is it there, does it fit, which jobs of ours does it run."""

from __future__ import annotations

import json
import time
import urllib.request
import zipfile
from typing import Any

from pipeline.engines.engines import FLINK_VERSION, FlinkEngine
from pipeline.engines.job_server import read_property
from serving.repository.errors import UserError

_TIMEOUT_S = 10.0
_CANCEL_S = 60.0  # for a job to end after it was cancelled
_LIVE = {"INITIALIZING", "CREATED", "RUNNING", "FAILING", "CANCELLING", "RESTARTING", "SUSPENDED", "RECONCILING"}
_FLINK_MARK = ".flink-runtime.version.properties"  # where a jar says which Flink it is for


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
