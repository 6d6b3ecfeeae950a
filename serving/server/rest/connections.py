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
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from serving.server.options import ServerOptions

if TYPE_CHECKING:
    from serving.server.rest.guarded_protocol import GuardedProtocol
    from serving.server.rest.listener import Connection

_LOGGER = logging.getLogger("forger.serving")
NO_FILES = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)  # the operating system has no more of them, or of memory
_SWEEP_SECONDS = 0.5
_TELL_SECONDS = 60.0  # at most one line about full tables in this time


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
    body_seconds: float = ServerOptions.message_seconds
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
        self._open: dict[int, Connection] = {}
        self._protocols: dict[int, GuardedProtocol] = {}
        self._ending: set[Connection] = set()  # closed to make room, in the loop's next round
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

    def opened(self, connection: Connection) -> bool:
        """Count a connection; False if there is no room because all others are being answered."""
        if len(self._open) >= self.connections:
            self._tell(f"{self.connections} HTTP connections are open: those that have waited longest are closed for new ones")
            if not self._make_room():
                return False
        self._open[connection.fileno()] = connection
        return True

    def closed(self, descriptor: int, connection: Connection) -> None:
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

    def _rank(self, descriptor: int, connection: Connection) -> tuple[Phase, float]:
        protocol = self._protocols.get(descriptor)
        return (protocol.phase, protocol.since) if protocol else (Phase.HEADERS, connection.since)

    def _tell(self, message: str) -> None:
        now = time.monotonic()
        if now - self._told >= _TELL_SECONDS:
            self._told = now
            _LOGGER.warning("%s", message)

    def _on_error(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if not (isinstance(error, OSError) and error.errno in NO_FILES):  # those are told once, without a traceback
            loop.default_exception_handler(context)


def _free_files() -> int:
    """How many files this process may still open."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        return soft - len(os.listdir("/proc/self/fd"))
    except OSError:  # not Linux
        return soft - 128
