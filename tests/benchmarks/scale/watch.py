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
        Beam workers, `java_mib` of all Java processes, `peak_mib` of all of them together at one moment, and the processor
        seconds of all, `cpu_seconds`. Processes that this one has started before, a cluster's, count from now on.

    Raises:
        CellError: It failed or took too long.
    """
    seen = _Seen()
    seen.look()
    seen.forget_cpu()
    end = time.monotonic() + limit_s
    with log.open("wb") as out, subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT) as process:
        try:
            while process.poll() is None:
                if time.monotonic() > end:
                    raise CellError(f"not done within {limit_s:.0f} s, see {log}")
                seen.look()
                time.sleep(_LOOK_EVERY)
        finally:
            _end(process.pid)
    if process.returncode:
        said = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
        raise CellError(f"exit code {process.returncode}, see {log}: {said[-1][:300] if said else 'it said nothing'}")
    return json.loads(log.read_text(errors="replace").splitlines()[-1]) | seen.figures


class _Seen:
    """What was seen of this process's descendants."""

    def __init__(self) -> None:
        self._peaks = dict.fromkeys(("driver_mib", "workers_mib", "java_mib", "peak_mib"), 0)
        self._cpu: dict[int, float] = {}  # by process id: seconds when last seen
        self._cpu_before = 0.0

    @property
    def figures(self) -> dict[str, float]:
        """Peaks in MiB and the processor's seconds."""
        sizes = {name: size >> 20 for name, size in self._peaks.items()}
        return {**sizes, "cpu_seconds": round(sum(self._cpu.values()) - self._cpu_before, 1)}

    def forget_cpu(self) -> None:
        """Count the processor's time from now on."""
        self._cpu_before = sum(self._cpu.values())

    def look(self) -> None:
        """Look at all of them once."""
        now = dict.fromkeys(self._peaks, 0)
        for process in psutil.Process().children(recursive=True):
            with contextlib.suppress(psutil.Error):
                size, times, words = process.memory_info().rss, process.cpu_times(), process.cmdline()
                kind = "java_mib" if words and words[0].endswith("java") else "driver_mib"
                if any(_WORKER_MAIN in word for word in words):
                    kind = "workers_mib"
                now[kind] += size
                now["peak_mib"] += size
                self._cpu[process.pid] = times.user + times.system
        self._peaks = {name: max(size, now[name]) for name, size in self._peaks.items()}


def _end(pid: int) -> None:
    """End a process and its descendants; a cluster's are not among them."""
    with contextlib.suppress(psutil.NoSuchProcess):
        root = psutil.Process(pid)
        for process in [*root.children(recursive=True), root]:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
