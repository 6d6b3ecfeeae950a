"""Locks between processes; the operating system takes a killed process's lock back."""

from __future__ import annotations

import contextlib
import fcntl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from serving.repository.errors import UserError

_PUSH_LOCK = ".push.lock"
_LOOK = 0.001  # seconds that a look takes at most


@contextlib.contextmanager
def locked(file: Path, busy: str | None = None) -> Iterator[None]:
    """Hold a lock file, which is made if missing and stays there.

    Args:
        file: The lock file.
        busy: What to tell the user where another process holds it; None waits for that process instead.

    Raises:
        UserError: Another process holds it, and `busy` says so.
        OSError: The file can't be made.
    """
    with file.open("a") as handle:
        if busy is None:
            fcntl.flock(handle, fcntl.LOCK_EX)
        elif not _take(handle):
            raise UserError(busy)
        yield


def is_locked(file: Path) -> bool:
    """Say whether a process holds a lock file now; a file that isn't there is held by nobody."""
    try:
        with file.open("r") as handle:
            return _is_held(handle)
    except FileNotFoundError:
        return False


@contextlib.contextmanager
def only_writer(base: Path) -> Iterator[None]:
    """Hold a model base directory.

    Raises:
        UserError: A push or a rollback holds it.
    """
    with locked(base / _PUSH_LOCK, f"another push or rollback in {base} is under way: wait for it to end"):
        yield


def _take(handle: IO[str]) -> bool:
    """Take a lock without waiting for a holder; one who only looks, see `is_locked`, is gone in an instant."""
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if _is_held(handle):
                return False
            time.sleep(_LOOK)


def _is_held(handle: IO[str]) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    fcntl.flock(handle, fcntl.LOCK_UN)
    return False
