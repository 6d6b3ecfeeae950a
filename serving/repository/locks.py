"""One writer at a time in a model base directory; the operating system takes a killed process's lock back."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

from serving.repository.errors import UserError

_LOCK = ".push.lock"


@contextlib.contextmanager
def only_writer(base: Path) -> Iterator[None]:
    """Hold a model base directory.

    Raises:
        UserError: A push or a rollback holds it.
    """
    with (base / _LOCK).open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UserError(f"another push or rollback in {base} is under way: wait for it to end") from error
        yield
