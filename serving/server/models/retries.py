"""When a version that failed to load is tried again."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class _Failure:
    files: tuple
    when: float
    error: str


class Retries:
    """Remembers failures: a version is tried again as soon as its files change, else after a while."""

    def __init__(self, seconds: float) -> None:
        """Prepare.

        Args:
            seconds: After this long a version is tried again although its files are the same.
        """
        self._seconds = seconds
        self._failures: dict[int, _Failure] = {}
        self._looks: dict[int, tuple] = {}

    def may_try(self, version: int, directory: Path) -> bool:
        """Whether it is time to try a version; call it before each try."""
        files, failure = _files(directory), self._failures.get(version)
        if failure and failure.files == files and time.monotonic() - failure.when < self._seconds:
            return False
        self._looks[version] = files
        return True

    def failed(self, version: int, error: str) -> bool:
        """Remember that a try failed; returns whether that is news."""
        before = self._failures.get(version)
        # The files as they were before the try: a copy that went on meanwhile is a change.
        self._failures[version] = _Failure(self._looks.pop(version), time.monotonic(), error)
        return before is None or before.error != error

    def succeeded(self, version: int) -> None:
        """Forget a version's failures."""
        self._looks.pop(version, None)
        self._failures.pop(version, None)

    def forget_all_but(self, versions: Iterable[int]) -> None:
        """Forget the versions that are gone."""
        self._failures = {version: self._failures[version] for version in versions if version in self._failures}


def _files(directory: Path) -> tuple:
    """What a version's files look like from outside; changes as soon as a copy goes on or a file is mended."""
    found = []
    for path in sorted(directory.rglob("*")):
        with contextlib.suppress(OSError):
            status = path.stat()
            found.append((str(path), status.st_size, status.st_mtime_ns))
    return tuple(found)
