"""The output directory: who may write it, which request it holds, and which shards are finished."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from pipeline.generate.request import LEAST_ROW_BYTES, Request
from serving.repository.durable import remove_partials, replace_file
from serving.repository.errors import UserError
from serving.repository.locks import locked

REQUEST_FILE = "request.json"
DONE_FILE = "done.json"  # written last; JSON object: images, shards, bytes
_LOCK = ".lock"


@contextlib.contextmanager
def claimed(directory: Path, request: Request) -> Iterator[None]:
    """Hold a directory for a request; the lock goes with the process, however it ends.

    Raises:
        UserError: Another process is writing there, or it holds another request or something else.
        OSError: It can't be made or written.
    """
    if directory.exists() and not directory.is_dir():
        raise UserError(f"{directory} is a file: name a directory with --out")
    directory.mkdir(parents=True, exist_ok=True)
    with locked(directory / _LOCK, f"another `forger generate` is writing {directory}: wait for it, or name another --out"):
        _settle(directory, request)
        yield


def finished(directory: Path, request: Request) -> set[int]:
    """Numbers of the shards that are there: a shard gets its name when all of it is on the disk."""
    names = {entry.name for entry in os.scandir(directory)}
    return {number for number in range(request.shards) if request.file_name(number) in names}


def check_space(directory: Path, request: Request, rows: int) -> None:
    """Refuse what can't fit, before anything is drawn.

    Raises:
        UserError: `rows` more rows need more than what is free.
    """
    needed, free = rows * LEAST_ROW_BYTES[request.layout], shutil.disk_usage(directory).free
    if needed > free:
        raise UserError(
            f"{rows} images need at least {needed >> 20} MiB, {free >> 20} MiB are free at {directory}: "
            "free some, ask for fewer with --count, or name another --out"
        )


def conclude(directory: Path, request: Request) -> int:
    """Write the file that says that all shards are there.

    Returns:
        Bytes of all shards.

    Raises:
        UserError: A shard is missing: a worker has written elsewhere.
    """
    missing = request.shards - len(finished(directory, request))
    if missing:
        raise UserError(
            f"{missing} of {request.shards} shards are not in {directory}: the workers write where this machine can't see; "
            "name a directory with --out that all of them share"
        )
    size = sum((directory / request.file_name(number)).stat().st_size for number in range(request.shards))
    content = {"images": request.count, "shards": request.shards, "bytes": size}
    replace_file(directory / DONE_FILE, (json.dumps(content) + "\n").encode())
    return size


def _settle(directory: Path, request: Request) -> None:
    """Read the request that the directory holds and compare, or write it into an empty directory."""
    path = directory / REQUEST_FILE
    if path.is_file():
        try:
            held = Request.model_validate_json(path.read_bytes())
        except ValidationError:
            raise UserError(f"{path} can't be read: remove {directory}, or name another --out") from None
        if difference := held.difference(request):
            raise UserError(f"{directory} holds another request ({difference}): ask for that one again, or name another --out")
    else:
        # Beside the request, only what a kill before it was written can have left.
        strange = sorted(name for name in os.listdir(directory) if name != _LOCK and not name.startswith(f".{REQUEST_FILE}."))
        if strange:
            raise UserError(f"{directory} is not empty (it has {strange[0]}): name a new or empty directory with --out")
        replace_file(path, (request.model_dump_json(indent=1) + "\n").encode())
    remove_partials(directory)
