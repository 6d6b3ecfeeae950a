"""The listening socket of a guarded port: what it accepts is counted from then on."""

from __future__ import annotations

import socket
import time
from typing import Any

from serving.server.rest.connections import NO_FILES, Guard

_PAUSE_SECONDS = 0.01  # between two tries to accept where no files are left: the loop does nothing else for so long
_WAITING = 512  # connections that the kernel holds until they are accepted


class Listener(socket.socket):
    """A listening socket whose connections a guard counts, those in a TLS handshake too."""

    guard: Guard

    @classmethod
    def over(cls, listening: socket.socket, guard: Guard) -> Listener:
        """Take the place of a socket that listens."""
        made = cls(listening.family, listening.type, listening.proto, fileno=listening.detach())
        made.guard = guard
        return made

    def listen(self, _backlog: int = 0, /) -> None:
        """Listen; asyncio's own number is how many it accepts in one go."""
        super().listen(_WAITING)

    def accept(self) -> tuple[socket.socket, Any]:
        """Accept as asyncio expects it.

        Raises:
            BlockingIOError: Nobody waits, or there are no more files: those that wait are asked for again at once.
            ConnectionAbortedError: No room.
        """
        try:
            accepted, address = super().accept()
        except OSError as error:
            if error.errno not in NO_FILES:
                raise
            if not self.guard.out_of_files():
                time.sleep(_PAUSE_SECONDS)
            # Not the error itself: asyncio of Python 3.11 goes on accepting after it has stopped listening for its pause.
            raise BlockingIOError from error
        connection = Connection(self.family, self.type, self.proto, fileno=accepted.detach())
        if not self.guard.opened(connection):
            connection.close()
            raise ConnectionAbortedError
        connection.guard = self.guard
        return connection, address


class Connection(socket.socket):
    """An accepted socket that says when it is closed."""

    guard: Guard | None = None

    def __init__(self, *kind: int, fileno: int) -> None:
        super().__init__(*kind, fileno=fileno)
        self.since = time.monotonic()

    def close(self) -> None:
        """Close, and count it no more."""
        if self.guard is not None:
            self.guard.closed(self.fileno(), self)
        super().close()

    def end(self) -> None:
        """Make whoever reads it see its end."""
        try:
            self.shutdown(socket.SHUT_RDWR)
        except OSError:  # the peer was first
            return
