"""Kill a push with SIGKILL at its k-th step, for every k: `python -m tests.support.killed_push MODEL SERVING COPY KEEP`.

SERVING holds the model base `m`, with models.config beside it.

A step is whatever changes the disk or makes a change durable: Python's audit events for opening, renaming, making and removing,
and every fsync and write. Each k starts from a fresh copy of SERVING at COPY, in a forked child, so that thousands of pushes take
seconds. Prints one JSON line for each k: what COPY looked like after the kill and after the next, whole push.
"""

import json
import os
import shutil
import signal
import sys
from pathlib import Path

from components.push import layout
from serving.repository.labels import served
from serving.repository.layout import list_versions, version_directories
from serving.repository.manifest import file_digests, manifest_problem

_EVENTS = {"open", "os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.truncate", "fcntl.flock"}


def die_at(step: int) -> None:
    """Arrange for this process to be killed just before its step-th step, or half way through it where it is a write."""
    done = 0

    def count(event: str, _arguments: object = None) -> None:
        nonlocal done
        if event in _EVENTS:
            done += 1
            if done == step:
                os.kill(os.getpid(), signal.SIGKILL)

    fsync = os.fsync

    def counted_fsync(handle: int) -> None:
        count("os.truncate")
        fsync(handle)

    def halved_copy(reader, writer, length: int = 0) -> None:
        content = reader.read()
        writer.write(content[: len(content) // 2])
        writer.flush()
        count("os.truncate")
        writer.write(content[len(content) // 2 :])

    os.fsync, shutil.copyfileobj = counted_fsync, halved_copy
    sys.addaudithook(count)


def _look(base: Path) -> dict:
    versions = list_versions(base)
    return {
        "versions": versions,
        "directories": version_directories(base),
        "whole": all(manifest_problem(base / str(version)) is None for version in versions),
        "digests": {str(version): file_digests(base / str(version)) for version in versions},
        "hidden": sorted(child.name for child in base.iterdir() if child.name.startswith(".")),
        "beside": sorted(child.name for child in base.parent.iterdir()),
        "labels": served(base).labels,
    }


def main() -> None:
    """Push with a kill at every step until a push lives to its end."""
    model, serving, copy, keep = Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4])
    base = copy / "m"
    served(serving / "m")  # imports what the children need: their steps should be the push's own
    step = 0
    while True:
        step += 1
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(serving, copy)
        child = os.fork()
        if child == 0:
            die_at(step)
            layout.push_model(model, base, run_id="killed", verdict={}, keep_versions=keep)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        killed = _look(base)
        pushed = layout.push_model(model, base, run_id="next", verdict={}, keep_versions=keep)
        ended = {"killed": killed, "next": _look(base), "version": pushed.version, "is_new": pushed.is_new}
        print(json.dumps({"step": step, "died": os.WIFSIGNALED(status), "status": status, **ended}))
        if not os.WIFSIGNALED(status):
            return


if __name__ == "__main__":
    main()
