"""A disk that is full: whatever library meets it says so in its own way, and seldom where."""

from __future__ import annotations

import contextlib
import errno
import os
import re
from collections.abc import Iterator
from pathlib import Path

from pipeline.home.causes import causes, step_of
from serving.repository.errors import UserError

_NUMBERS = (errno.ENOSPC, errno.EDQUOT)
_WORDS = ("No space left on device", "Disk quota exceeded", "database or disk is full")
_NAMED = re.compile(r"(?:^|[}:] )(/[^;\n}]+); (?:No space left|Disk quota)")  # as TensorFlow names a file


@contextlib.contextmanager
def naming_full_disk(directory: Path, mend: str) -> Iterator[None]:
    """Say in one line which step found the disk full, and where.

    Args:
        directory: Where the work writes; the place where the error names none.
        mend: What the user does after making room, e.g. "run again".

    Raises:
        UserError: The disk is full, or the user's share of it.
    """
    try:
        yield
    except Exception as error:
        errors = causes(error)
        full = [one for one in reversed(errors) if _is_full(one)]
        if not full:
            raise
        place = next(filter(None, map(_place, full)), str(directory))
        raise UserError(f"{': '.join([*step_of(errors), 'no space left on the disk of'])} {place} "
                        f"({_free(Path(place), directory) >> 20} MiB are free): make room and {mend}") from error  # fmt: skip


def _is_full(error: BaseException) -> bool:
    return getattr(error, "errno", None) in _NUMBERS or any(words in str(error) for words in _WORDS)


def _place(error: BaseException) -> str:
    if named := getattr(error, "filename", None):
        return os.fsdecode(named)
    found = _NAMED.search(str(error))
    return found[1] if found else ""


def _free(place: Path, directory: Path) -> int:
    """Return the free bytes where a file is, or was to be."""
    for path in (place, *place.parents):
        if path.is_dir():
            directory = path
            break
    status = os.statvfs(directory)
    return status.f_bavail * status.f_frsize
