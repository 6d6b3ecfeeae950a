"""uvicorn's protocol with a time limit for each phase of a connection."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from serving.server.rest.connections import Guard, Phase

NOSNIFF = ("x-content-type-options", "nosniff")


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
