"""An HTTP server in a thread of its own, beside gRPC's."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

from serving.server.listening import listen
from serving.server.tls import Tls

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from serving.server.rest.connections import Limits

_ACCEPTED_AT_ONCE = 16


class RestThread:
    """Binds its port when made, answers from `start` on."""

    def __init__(self, host: str, port: int, tls: Tls | None) -> None:
        """Bind the port.

        Raises:
            UserError: It is taken.
        """
        self._tls = tls
        self._socket = listen(host, port, "--rest-port")
        self.port: int = self._socket.getsockname()[1]
        self._thread: threading.Thread | None = None

    def start(self, app: ASGIApp, limits: Limits | None = None) -> None:
        """Answer with `app`.

        Args:
            app: What answers.
            limits: What peers may hold.
        """
        import functools

        import uvicorn

        from serving.server.rest.connections import Guard, Limits
        from serving.server.rest.guarded_protocol import NOSNIFF, GuardedProtocol
        from serving.server.rest.listener import Listener

        limits = limits or Limits()
        guard = Guard(limits)
        self._socket = Listener.over(self._socket, guard)

        class Server(uvicorn.Server):
            async def startup(self, sockets: list[socket.socket] | None = None) -> None:
                guard.watch()
                await super().startup(sockets)

        config = uvicorn.Config(
            app,
            http=functools.partial(GuardedProtocol, guard),  # type: ignore[arg-type] # called as the class would be
            log_config=None,
            log_level="error",
            access_log=False,
            server_header=False,
            headers=[NOSNIFF],
            lifespan="off",
            ws="none",
            backlog=_ACCEPTED_AT_ONCE,
            timeout_keep_alive=limits.keep_alive_seconds,  # type: ignore[arg-type] # seconds for call_later
            **(self._tls.for_uvicorn() if self._tls else {}),
        )
        self._server = Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, name="forger-rest", daemon=True
        )
        self._thread.start()

    def stop(self, drain_seconds: float) -> None:
        """Refuse new requests, and give running ones time to finish."""
        if self._thread is None:
            self._socket.close()
            return
        self._server.should_exit = True
        self._thread.join(max(drain_seconds, 0))
        if self._thread.is_alive():
            self._server.force_exit = True
            self._thread.join(1)
