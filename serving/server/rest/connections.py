"""What a slow or idle peer may hold: connections, counted from accept to close, each phase of them with a time limit.

uvicorn bounds requests and the rest between two of them; not the connections themselves, nor the time that headers, a body or an
answer may take.
"""

from __future__ import annotations

import asyncio
import enum
import errno
import logging
import os
import resource
import socket
import time
from dataclasses import dataclass
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

_LOGGER = logging.getLogger("forger.serving")
_NO_FILES = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_PAUSE_SECONDS = 0.01  # between two tries to accept where no files are left: the loop does nothing else for so long
_WAITING = 512  # connections that the kernel holds until they are accepted
_SWEEP_SECONDS = 0.5
_TELL_SECONDS = 60.0  # at most one line about full tables in this time
NOSNIFF = ("x-content-type-options", "nosniff")


@dataclass(frozen=True)
class Limits:
    """Limits of one HTTP port.

    Attributes:
        connections: Open at once; beyond it the one that has waited longest makes room for the newest.
        headers_seconds: From a connection's start, or a request's first byte, to the end of its headers.
        body_seconds: From there to the end of the body.
        unread_seconds: How long a peer may read nothing of an answer.
        keep_alive_seconds: Rest between two requests. Pooled clients and balancers keep connections for 60 s and more.
    """

    connections: int = 1024
    headers_seconds: float = 20.0
    body_seconds: float = 60.0
    unread_seconds: float = 30.0
    keep_alive_seconds: float = 120.0


class Phase(enum.IntEnum):
    """What a connection does; the lower, the sooner it makes room."""

    HEADERS = 0  # or the TLS handshake: no request yet
    RESTING = 1
    BODY = 2
    ANSWER = 3


class Guard:
    """Knows every connection of a port; used by its event loop alone."""

    def __init__(self, limits: Limits) -> None:
        """Prepare; connections are bounded by half of the files that this process may still open, too."""
        self.limits = limits
        self.connections = max(8, min(limits.connections, _free_files() // 2))
        self._open: dict[int, _Connection] = {}
        self._protocols: dict[int, GuardedProtocol] = {}
        self._ending: set[_Connection] = set()  # closed to make room, in the loop's next round
        self._told = -_TELL_SECONDS

    def watch(self) -> None:
        """Look at every connection from now on; call it in the event loop."""
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(self._on_error)

        def sweep() -> None:
            loop.call_later(_SWEEP_SECONDS, sweep)
            now = time.monotonic()
            for protocol in list(self._protocols.values()):
                protocol.end_if_late(now)
            for descriptor, connection in list(self._open.items()):
                if descriptor not in self._protocols and now - connection.since > self.limits.headers_seconds:
                    connection.end()  # in a TLS handshake

        sweep()

    def opened(self, connection: _Connection) -> bool:
        """Count a connection; False if there is no room because all others are being answered."""
        if len(self._open) >= self.connections:
            self._tell(f"{self.connections} HTTP connections are open: those that have waited longest are closed for new ones")
            if not self._make_room():
                return False
        self._open[connection.fileno()] = connection
        return True

    def closed(self, descriptor: int, connection: _Connection) -> None:
        """Count it no more."""
        self._ending.discard(connection)
        if self._open.get(descriptor) is connection:  # an evicted one left before, its number may be another's by now
            del self._open[descriptor]

    def joined(self, descriptor: int, protocol: GuardedProtocol) -> None:
        """Know the protocol of a connection."""
        self._protocols[descriptor] = protocol

    def left(self, descriptor: int, protocol: GuardedProtocol) -> None:
        """Forget it."""
        if self._protocols.get(descriptor) is protocol:
            del self._protocols[descriptor]

    def out_of_files(self) -> bool:
        """The operating system gives no more; True if one is given back at once."""
        self._tell("no more files can be opened (ulimit -n): HTTP connections wait, and the longest idle ones are closed")
        # Where some are given back anyway, none more need to go; without this a listener with few files would pause for a second.
        return bool(self._ending) or self._make_room()

    def _make_room(self) -> bool:
        """Close the connection that is least of a loss."""
        ranked = [(*self._rank(descriptor, one), descriptor) for descriptor, one in self._open.items()]
        phase, _, descriptor = min(ranked, default=(Phase.ANSWER, 0.0, 0))
        if phase is Phase.ANSWER:
            return False
        connection = self._open.pop(descriptor)
        protocol = self._protocols.pop(descriptor, None)
        if protocol is not None:
            self._ending.add(connection)
            protocol.transport.abort()
        else:
            connection.end()
        return True

    def _rank(self, descriptor: int, connection: _Connection) -> tuple[Phase, float]:
        protocol = self._protocols.get(descriptor)
        return (protocol.phase, protocol.since) if protocol else (Phase.HEADERS, connection.since)

    def _tell(self, message: str) -> None:
        now = time.monotonic()
        if now - self._told >= _TELL_SECONDS:
            self._told = now
            _LOGGER.warning("%s", message)

    def _on_error(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if not (isinstance(error, OSError) and error.errno in _NO_FILES):  # those are told once, without a traceback
            loop.default_exception_handler(context)


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
            if error.errno not in _NO_FILES:
                raise
            if not self.guard.out_of_files():
                time.sleep(_PAUSE_SECONDS)
            # Not the error itself: asyncio of Python 3.11 goes on accepting after it has stopped listening for its pause.
            raise BlockingIOError from error
        connection = _Connection(self.family, self.type, self.proto, fileno=accepted.detach())
        if not self.guard.opened(connection):
            connection.close()
            raise ConnectionAbortedError
        connection.guard = self.guard
        return connection, address


class _Connection(socket.socket):
    """An accepted socket that says when it is closed."""

    guard: Guard | None = None

    def __init__(self, *kind: int, fileno: int) -> None:
        super().__init__(*kind, fileno=fileno)
        self.since = time.monotonic()

    def close(self) -> None:
        if self.guard is not None:
            self.guard.closed(self.fileno(), self)
        super().close()

    def end(self) -> None:
        """Make whoever reads it see its end."""
        try:
            self.shutdown(socket.SHUT_RDWR)
        except OSError:  # the peer was first
            return


class GuardedProtocol(H11Protocol):
    """uvicorn's HTTP/1.1 with a time limit for every phase."""

    def __init__(self, guard: Guard, **uvicorns: Any) -> None:
        """As uvicorn makes it, with the guard before its arguments."""
        super().__init__(**uvicorns)
        self._guard = guard
        self._descriptor = -1
        self._in_headers = True
        self.since = time.monotonic()
        self._unread = (0, self.since)

    @property
    def phase(self) -> Phase:
        """What the connection does now."""
        if self._in_headers:
            return Phase.HEADERS
        if self.cycle.response_complete:
            return Phase.RESTING
        return Phase.BODY if self.cycle.more_body else Phase.ANSWER

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Be known to the guard."""
        super().connection_made(transport)
        self._descriptor = transport.get_extra_info("socket").fileno()
        self._guard.joined(self._descriptor, self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Be forgotten."""
        self._guard.left(self._descriptor, self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on, and note where a request begins."""
        if self.phase is Phase.RESTING:
            self._in_headers, self.since = True, time.monotonic()
        super().data_received(data)

    def handle_events(self) -> None:
        """Note where headers end."""
        before = self.cycle
        super().handle_events()
        if self.cycle is not before:
            self._in_headers, self.since = False, time.monotonic()

    def on_response_complete(self) -> None:
        """Begin to rest."""
        self._in_headers, self.since = bool(self.conn.trailing_data[0]), time.monotonic()
        super().on_response_complete()

    def end_if_late(self, now: float) -> None:
        """Close the connection when its phase has taken too long."""
        size, since = self.transport.get_write_buffer_size(), self._unread[1]
        self._unread = (size, since if size and size >= self._unread[0] else now)
        limits, phase = self._guard.limits, self.phase
        allowed = {Phase.HEADERS: limits.headers_seconds, Phase.BODY: limits.body_seconds}.get(phase)
        if (allowed is not None and now - self.since > allowed) or now - self._unread[1] > limits.unread_seconds:
            self.transport.abort()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP."""
        headers = (("content-type", "text/plain; charset=utf-8"), ("connection", "close"), NOSNIFF)
        lines = ["HTTP/1.1 400 Bad Request", *(f"{name}: {value}" for name, value in headers), "", msg]
        self.transport.write("\r\n".join(lines).encode())
        self.transport.close()


def _free_files() -> int:
    """How many files this process may still open."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        return soft - len(os.listdir("/proc/self/fd"))
    except OSError:  # not Linux
        return soft - 128
