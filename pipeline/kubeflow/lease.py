"""One holder at a time, across machines: a file on the shared volume that its holder goes on writing to.

A lock of the operating system ends with its process, but not every shared volume passes it on, and a machine that is lost may
hold one for long. Whoever waits here watches the file: a holder that has written nothing for a while, by the watcher's own clock,
is gone.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

from serving.repository.durable import replace_file

BEAT_S = 5.0  # seconds between two signs of life
STALE_S = 60.0  # seconds without one until a holder counts as gone: longer than a volume's cache of a file's content
_LOGGER = logging.getLogger("forger.lease")


def training_lease(home: Path) -> Path:
    """Name the lease of the one training that a home has at a time."""
    return home / "kubeflow" / "training.lease"


class Lease:
    """What one process holds, or waits for."""

    def __init__(self, file: Path, *, beat_s: float = BEAT_S, stale_s: float = STALE_S) -> None:
        """Name the file; its directory is made.

        Args:
            file: The lease.
            beat_s: Seconds between two signs of life.
            stale_s: Seconds without one until a holder counts as gone.
        """
        self.file, self._beat_s, self._stale_s = file, beat_s, stale_s
        self._away_s = stale_s / 2  # the volume may be away for so long: a holder is then not yet silent for others
        self._holder, self._beats = f"{os.uname().nodename}-{uuid.uuid4().hex[:8]}", 0
        self._ended = threading.Event()
        file.parent.mkdir(parents=True, exist_ok=True)

    @contextlib.contextmanager
    def held(self, on_loss: Callable[[], None] | None = None) -> Iterator[None]:
        """Wait for the lease, hold it for the block, and give it back.

        Args:
            on_loss: Called once if another process has taken it, or may have, because this one was silent for too long; ends this
                process as SIGTERM does by default.

        Raises:
            OSError: The volume stays away while this one waits.
        """
        self._take()
        beating = threading.Thread(target=self._keep, args=(on_loss or _end,), daemon=True)
        beating.start()
        try:
            yield
        finally:
            self._ended.set()
            beating.join()
            with contextlib.suppress(OSError):  # a lease that stays is silent from now on: the next one takes it over
                if self._is_mine():
                    self.file.unlink(missing_ok=True)

    def _take(self) -> None:
        watched, told = "", False
        since = answered = time.monotonic()
        while True:
            try:
                if self._make():
                    return
                found = _read(self.file)
                if found != watched:
                    watched, since = found, time.monotonic()
                elif time.monotonic() - since >= self._stale_s:
                    self._write()
                    time.sleep(2 * self._beat_s)  # of several who waited, the last to write has it
                    if self._is_mine():
                        return
                if not told:
                    _LOGGER.info("waiting for %s, which %s holds", self.file, _holder(found) or "another process")
                    told = True
                answered = time.monotonic()
            except OSError:  # what can't be read isn't silent
                if time.monotonic() - answered > self._away_s:
                    raise
            time.sleep(min(self._beat_s, self._stale_s / 4))

    def _make(self) -> bool:
        """Make the file where there is none."""
        try:
            with self.file.open("x", encoding="utf-8") as file:
                file.write(self._text())
        except FileExistsError:
            return False
        return True

    def _keep(self, on_loss: Callable[[], None]) -> None:
        written = time.monotonic()
        while not self._ended.wait(self._beat_s):
            try:
                if not self._is_mine():
                    why = "is lost to another process"
                    break
                self._write()
                written = time.monotonic()
            except OSError as error:  # the volume is away: for so long that others may soon take the lease?
                if time.monotonic() - written > self._away_s:
                    why = f"can't be kept ({error})"
                    break
        else:
            return
        _LOGGER.error("the lease %s %s: this process ends", self.file, why)
        on_loss()

    def _write(self) -> None:
        self._beats += 1
        replace_file(self.file, self._text())

    def _text(self) -> str:
        return json.dumps({"holder": self._holder, "beat": self._beats})

    def _is_mine(self) -> bool:
        return _holder(_read(self.file)) == self._holder


def end_without(file: Path, *, stale_s: float = 2 * STALE_S, on_loss: Callable[[], None] | None = None) -> None:
    """End this process once nobody writes to a lease any more: whoever waits for its work is gone. Returns at once."""

    def watch() -> None:
        watched, since = "", time.monotonic()
        while time.monotonic() - since < stale_s:
            time.sleep(min(BEAT_S, stale_s / 4))
            with contextlib.suppress(OSError):  # a volume that stays away ends this process, too
                if (found := _read(file)) and found != watched:
                    watched, since = found, time.monotonic()
        _LOGGER.error("nobody holds %s any more: this process ends", file)
        (on_loss or _kill)()

    threading.Thread(target=watch, daemon=True).start()


def _end() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def _kill() -> None:
    os._exit(1)


def _read(file: Path) -> str:
    """Return what is in a lease, nothing where there is none; any other failure is the volume's, and says nothing of a holder."""
    try:
        return file.read_text(encoding="utf-8", errors="replace")  # half a beat after a crash names no holder
    except FileNotFoundError:
        return ""


def _holder(text: str) -> str:
    try:
        return str(json.loads(text)["holder"])
    except (ValueError, KeyError, TypeError):
        return ""
