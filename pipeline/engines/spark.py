"""A Spark cluster, seen before a run: does its master answer, and is anything of an earlier run still at work?"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
from pathlib import Path
from urllib.parse import urlsplit

from pipeline.engines.engines import SparkEngine, spark_mark
from serving.repository.errors import UserError

_TIMEOUT_S = 10.0


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
        prefix: `pipeline.engines.engines.job_prefix` of the home.
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
