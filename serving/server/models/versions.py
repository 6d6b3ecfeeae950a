"""The versions of one model: load and warm up what its policy asks for, serve them, unload the others once they are drained."""

from __future__ import annotations

import contextlib
import functools
import gc
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping

from serving.repository.errors import UserError
from serving.repository.layout import version_directories
from serving.saved_model.servable import Servable
from serving.server.metrics import Metrics
from serving.server.models.model_config import ModelConfig, skipped_directories
from serving.server.models.one_version import LoadedVersion, NotServed, UnknownLabel, VersionState
from serving.server.models.retries import Retries
from serving.server.options import ServerOptions
from serving.server.requests.batching import Batcher

_LOGGER = logging.getLogger("forger.serving")


class ModelVersions:
    """Serves the versions of one model that its policy asks for; safe to use from many threads, `look` from one alone."""

    def __init__(self, config: ModelConfig, options: ServerOptions, metrics: Metrics, on_change: Callable[[], None]) -> None:
        """Prepare; nothing is loaded before the first `look`.

        Args:
            config: The model.
            options: Retry times and batching.
            metrics: Told each batch's size.
            on_change: Called after a version became available or stopped being it.
        """
        self.config, self._options, self._metrics, self._on_change = config, options, metrics, on_change
        self._lock = threading.Lock()
        self._loaded: dict[int, LoadedVersion] = {}
        self._draining: list[LoadedVersion] = []
        self._states: dict[int, VersionState] = {}
        self._labels: dict[str, int] = {}
        self._skipped: set[str] = set()  # directories that are no versions, as they were logged
        self._unmet: set[tuple[str, int]] = set()  # labels whose version is not served, as they were logged
        self._retries = Retries(options.retry_seconds)
        self.looked = threading.Event()  # set once the first look is over, whatever came of it

    def states(self) -> list[VersionState]:
        """Every version that was touched and is still on disk or in memory, oldest first."""
        with self._lock:
            return [self._states[version] for version in sorted(self._states)]

    def available(self) -> list[LoadedVersion]:
        """The versions that are served, oldest first."""
        with self._lock:
            return [self._loaded[version] for version in sorted(self._loaded)]

    def labels(self) -> dict[str, int]:
        """Versions by label, as they are in force."""
        with self._lock:
            return dict(self._labels)

    def set_labels(self, labels: Mapping[str, int]) -> None:
        """Put labels in force at once; the caller knows that their versions are served."""
        with self._lock:
            self._labels = dict(labels)

    @contextlib.contextmanager
    def lease(self, version: int | None = None, label: str | None = None) -> Iterator[LoadedVersion]:
        """Use a served version; it stays loaded until the lease ends.

        Args:
            version: Its number; None for the highest that is served.
            label: Its label, in place of a number.

        Raises:
            UnknownLabel: No version has the label.
            NotServed: The version is not served, or none is.
        """
        with self._lock:
            if label is not None:
                if label not in self._labels:
                    raise UnknownLabel(label)
                version = self._labels[label]
            leased = self._loaded.get(max(self._loaded, default=0) if version is None else version)
            if leased is None:
                raise NotServed(version)
            leased.users += 1
        try:
            yield leased
        finally:
            with self._lock:
                leased.users -= 1

    def look(self, stopping: Callable[[], bool]) -> None:
        """Load what the policy asks for of what is on disk, and then let go of the rest.

        A version gives way only when another is served instead: an empty or missing base directory, or one where nothing that
        the policy allows can be loaded, changes nothing. A version that the policy does not ask for is never loaded: a rollback
        left it, and it must not come back because the pinned one is damaged.

        Args:
            stopping: Asked before each load whether to give up.
        """
        config = self.config
        on_disk = version_directories(config.base)
        for skipped in set(skipped_directories(config)) - self._skipped:
            self._skipped.add(skipped)
            _LOGGER.warning("%s", skipped)
        candidates = config.policy.candidates(on_disk)
        self._forget_all_but({*on_disk, *candidates})
        wanted = self._load_first(config, candidates, config.policy.newest, stopping)
        if stopping():
            return
        self._apply_labels(config)
        if wanted:
            # What a label still points to stays too: its next version may be broken, or not there yet.
            self._let_go(set(self._loaded) - {*wanted, *self._labels.values()})

    def retire(self) -> None:
        """Serve nothing of this model any more."""
        self._let_go(set(self._loaded))

    def unload_drained(self) -> bool:
        """Free the versions that gave way and that no request uses any more; returns whether any is left."""
        with self._lock:
            drained = [loaded for loaded in self._draining if loaded.users == 0]
            self._draining = [loaded for loaded in self._draining if loaded.users > 0]
            left = bool(self._draining)
        for loaded in drained:
            loaded.batcher.close()
            loaded.servable.close()
            with self._lock:
                if loaded.number not in self._loaded:
                    self._states[loaded.number] = VersionState(loaded.number, "END")
            _LOGGER.info("unloaded version %d of %s", loaded.number, self.config.name)
        if drained:
            drained.clear()
            del loaded
            gc.collect()  # a graph holds reference cycles; without this its memory stays for long
        return left

    def _forget_all_but(self, versions: set[int]) -> None:
        with self._lock:
            known = {*versions, *self._loaded, *(loaded.number for loaded in self._draining)}
            self._states = {number: state for number, state in self._states.items() if number in known}
        self._retries.forget_all_but(versions)

    def _load_first(
        self, config: ModelConfig, candidates: list[int], count: int | None, stopping: Callable[[], bool]
    ) -> list[int]:
        """Have the first `count` of the candidates that load in memory; returns them."""
        found: list[int] = []
        for number in candidates:
            if len(found) == count or stopping():
                break
            if number in self._loaded or self._load(config, number):
                found.append(number)
        return found

    def _load(self, config: ModelConfig, number: int) -> bool:
        directory = config.base / str(number)
        if not self._retries.may_try(number, directory):
            return False
        began = time.monotonic()
        self._set(VersionState(number, "LOADING"))
        try:
            if not directory.is_dir():
                raise UserError(f"{directory} is not on disk")
            servable, warmed = Servable.warm(directory)
        except (UserError, OSError) as error:
            self._set(VersionState(number, "END", str(error)))
            if self._retries.failed(number, str(error)):
                keeps = "nothing is served in its place" if config.policy.specific is not None else "an older version is tried"
                if self._loaded:
                    keeps = f"version {', '.join(map(str, sorted(self._loaded)))} keeps serving"
                _LOGGER.error("version %d of %s cannot be served: %s; %s", number, config.name, error, keeps)
            return False
        self._retries.succeeded(number)
        seconds = time.monotonic() - began
        _LOGGER.info(
            "version %d of %s is available: loaded in %.1f s, warmed up with %d requests",
            number, self.config.name, seconds, warmed,
        )  # fmt: skip
        with self._lock:
            self._loaded[number] = LoadedVersion(number, servable, self._batcher(servable))
            self._states[number] = VersionState(number, "AVAILABLE")
        self._on_change()
        return True

    def _batcher(self, servable: Servable) -> Batcher:
        return Batcher(servable.run_arrays, self._options, functools.partial(self._metrics.observe_batch, self.config.name))

    def _apply_labels(self, config: ModelConfig) -> None:
        """Put the configured labels in force; one whose version is not served keeps pointing to where it did."""
        with self._lock:
            self._labels = {
                label: self._labels.get(label, version) if version not in self._loaded else version
                for label, version in config.labels.items()
                if version in self._loaded or label in self._labels
            }
            unmet = {(label, version) for label, version in config.labels.items() if self._labels.get(label) != version}
        for label, version in sorted(unmet - self._unmet):
            _LOGGER.error("label %s of %s is not in force: version %d is not served", label, config.name, version)
        self._unmet = unmet

    def _let_go(self, numbers: set[int]) -> None:
        with self._lock:
            for number in numbers:
                self._draining.append(self._loaded.pop(number))
                self._states[number] = VersionState(number, "UNLOADING")
        if numbers:
            self._on_change()

    def _set(self, state: VersionState) -> None:
        with self._lock:
            self._states[state.version] = state
