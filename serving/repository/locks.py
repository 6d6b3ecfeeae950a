"""Locks between processes; the operating system takes a killed process's lock back."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

from serving.repository.errors import UserError

_PUSH_LOCK = ".push.lock"


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
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | (fcntl.LOCK_NB if busy is not None else 0))
        except BlockingIOError:
            raise UserError(busy) from None
        yield


def is_locked(file: Path) -> bool:
    """Say whether a process holds a lock file now; a file that isn't there is held by nobody."""
    try:
        with file.open("r") as handle:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


@contextlib.contextmanager
def only_writer(base: Path) -> Iterator[None]:
    """Hold a model base directory.

    Raises:
        UserError: A push or a rollback holds it.
    """
    with locked(base / _PUSH_LOCK, f"another push or rollback in {base} is under way: wait for it to end"):
        yield
