"""Run a command under a time limit and watch the memory of every process that this one has started."""

from __future__ import annotations

import contextlib
import json
import subprocess
import time
from pathlib import Path
from typing import Any

import psutil

_LOOK_EVERY = 0.2  # seconds
_WORKER_MAIN = "apache_beam.runners.worker"


class CellError(Exception):
    """Why a cell has no figures, in a line."""


def measure(command: list[str], log: Path, limit_s: float) -> dict[str, Any]:
    """Run a command to its end.

    Args:
        command: Prints a JSON object as its last line.
        log: Where all that it says goes.
        limit_s: Seconds that it may take.

    Returns:
        That object, with the peak resident memory in MiB: `driver_mib` of the command itself, `workers_mib` of all processes of
        Beam workers, `java_mib` of all Java processes, `peak_mib` of all of them together at one moment. Processes that this
        one has started before, a cluster's, count.

    Raises:
        CellError: It failed or took too long.
    """
    peaks = dict.fromkeys(("driver_mib", "workers_mib", "java_mib", "peak_mib"), 0)
    end = time.monotonic() + limit_s
    with log.open("wb") as out, subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT) as process:
        try:
            while process.poll() is None:
                if time.monotonic() > end:
                    raise CellError(f"not done within {limit_s:.0f} s, see {log}")
                for name, size in _memory().items():
                    peaks[name] = max(peaks[name], size >> 20)
                time.sleep(_LOOK_EVERY)
        finally:
            _end(process.pid)
    if process.returncode:
        said = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
        raise CellError(f"exit code {process.returncode}, see {log}: {said[-1][:300] if said else 'it said nothing'}")
    return json.loads(log.read_text(errors="replace").splitlines()[-1]) | peaks


def _memory() -> dict[str, int]:
    """Resident bytes of this process's descendants, by what they are."""
    found = {"driver_mib": 0, "workers_mib": 0, "java_mib": 0, "peak_mib": 0}
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            size, words = process.memory_info().rss, process.cmdline()
            kind = "java_mib" if words and words[0].endswith("java") else "driver_mib"
            if any(_WORKER_MAIN in word for word in words):
                kind = "workers_mib"
            found[kind] += size
            found["peak_mib"] += size
    return found


def _end(pid: int) -> None:
    """End a process and its descendants; a cluster's are not among them."""
    with contextlib.suppress(psutil.NoSuchProcess):
        root = psutil.Process(pid)
        for process in [*root.children(recursive=True), root]:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
