"""Which version is served: look at the model base directory, load and warm up a newer one, switch, drain the old one."""

from __future__ import annotations

import contextlib
import gc
import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from serving import contract
from serving.errors import ServingError
from serving.servable import Servable
from serving.server.options import ServerOptions

_LOGGER = logging.getLogger("forger.serving")


@dataclass(frozen=True)
class VersionState:
    """Where a version stands.

    Attributes:
        version: Its number.
        state: A name of TensorFlow Serving's ModelVersionStatus.State: LOADING, AVAILABLE, UNLOADING or END.
        error: Why it could not be loaded; empty where nothing went wrong.
    """

    version: int
    state: str
    error: str = ""


@dataclass
class _Loaded:
    version: int
    servable: Servable
    users: int = 0


@dataclass(frozen=True)
class _Failure:
    files: tuple
    when: float
    error: str


class VersionManager:
    """Serves the newest version of a model base directory that loads and warms up; safe to use from many threads."""

    def __init__(self, base: Path, name: str, options: ServerOptions, on_available: Callable[[], None]) -> None:
        """Prepare; nothing is loaded before `start`.

        Args:
            base: The model base directory.
            name: The servable's name, for log lines.
            options: Poll and retry times.
            on_available: Called after each switch to a version.
        """
        self._base, self._name, self._options, self._on_available = base, name, options, on_available
        self._lock = threading.Lock()
        self._current: _Loaded | None = None
        self._draining: list[_Loaded] = []
        self._states: dict[int, VersionState] = {}
        self._failures: dict[int, _Failure] = {}
        self._stop = threading.Event()
        self.looked = threading.Event()  # set once the first look is over
        self._thread = threading.Thread(target=self._run, name="forger-versions", daemon=True)

    def start(self) -> None:
        """Begin to look at the directory, in a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """Stop looking; a load that is under way is finished first."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def states(self) -> list[VersionState]:
        """Every version that was touched and is still on disk or in memory, oldest first."""
        with self._lock:
            return [self._states[version] for version in sorted(self._states)]

    @contextlib.contextmanager
    def lease(self, version: int | None = None) -> Iterator[tuple[int, Servable] | None]:
        """Use the served version; it stays loaded until the lease ends.

        Args:
            version: The version that must be served; None for whichever is.

        Yields:
            Its number and servable; None where that version is not served.
        """
        with self._lock:
            leased = self._current
            if leased is not None and version is not None and leased.version != version:
                leased = None
            if leased is not None:
                leased.users += 1
        try:
            yield None if leased is None else (leased.version, leased.servable)
        finally:
            if leased is not None:
                with self._lock:
                    leased.users -= 1

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._look()
                self._unload_drained()
            except Exception:  # whatever a file system does, what is served must stay
                _LOGGER.exception("looking at %s failed", self._base)
            self.looked.set()
            self._stop.wait(self._options.poll_seconds)

    def _look(self) -> None:
        """Switch to the newest version that loads; a served version stays where it is on disk and nothing newer loads.

        An empty or missing base directory keeps what is served. A served version that was deleted while older ones are left
        gives way to the newest of them.
        """
        versions = contract.version_directories(self._base)
        with self._lock:
            current = self._current.version if self._current else None
            in_memory = {current, *(loaded.version for loaded in self._draining)}
            self._states = {number: state for number, state in self._states.items() if number in in_memory or number in versions}
        self._failures = {number: failure for number, failure in self._failures.items() if number in versions}
        for version in reversed(versions):
            if version == current or self._stop.is_set():
                return
            loaded = self._load(version)
            if loaded is not None:
                self._switch(loaded)
                return

    def _load(self, version: int) -> _Loaded | None:
        directory = self._base / str(version)
        began, files, failure = time.monotonic(), _files(directory), self._failures.get(version)
        if failure and failure.files == files and began - failure.when < self._options.retry_seconds:
            return None
        self._set(VersionState(version, "LOADING"))
        try:
            servable = Servable(directory)
            warmed = servable.warm_up()
        except (ServingError, OSError) as error:
            self._failures[version] = _Failure(files, began, str(error))
            self._set(VersionState(version, "END", str(error)))
            if failure is None or failure.error != str(error):
                keeps = f"version {self._current.version} keeps serving" if self._current else "an older version is tried"
                _LOGGER.error("version %d of %s cannot be served: %s; %s", version, self._name, error, keeps)
            return None
        self._failures.pop(version, None)
        seconds = time.monotonic() - began
        _LOGGER.info("loaded version %d of %s in %.1f s, warmed up with %d requests", version, self._name, seconds, warmed)
        return _Loaded(version, servable)

    def _switch(self, loaded: _Loaded) -> None:
        with self._lock:
            old, self._current = self._current, loaded
            self._states[loaded.version] = VersionState(loaded.version, "AVAILABLE")
            if old is not None:
                self._draining.append(old)
                self._states[old.version] = VersionState(old.version, "UNLOADING")
        _LOGGER.info("version %d of %s is available", loaded.version, self._name)
        self._on_available()

    def _unload_drained(self) -> None:
        with self._lock:
            drained = [loaded for loaded in self._draining if loaded.users == 0]
            self._draining = [loaded for loaded in self._draining if loaded.users > 0]
            for loaded in drained:
                self._states[loaded.version] = VersionState(loaded.version, "END")
        for loaded in drained:
            _LOGGER.info("unloaded version %d of %s", loaded.version, self._name)
        if drained:
            drained.clear()
            del loaded
            gc.collect()  # a loaded SavedModel holds reference cycles; without this its memory stays for long

    def _set(self, state: VersionState) -> None:
        with self._lock:
            self._states[state.version] = state


def _files(directory: Path) -> tuple:
    """What a version's files look like from outside; changes as soon as a copy goes on or a file is mended."""
    found = []
    for path in sorted(directory.rglob("*")):
        with contextlib.suppress(OSError):
            status = path.stat()
            found.append((str(path), status.st_size, status.st_mtime_ns))
    return tuple(found)
