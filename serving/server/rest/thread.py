"""An HTTP server in a thread of its own, beside gRPC's."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from serving.server.listening import listen
from serving.server.options import ServerOptions
from serving.server.tls import Tls

if TYPE_CHECKING:
    from starlette.applications import Starlette


class RestThread:
    """Binds its port when made, answers from `start` on."""

    def __init__(self, host: str, port: int, options: ServerOptions, tls: Tls | None) -> None:
        """Bind the port.

        Raises:
            UserError: It is taken.
        """
        self._options, self._tls = options, tls
        self._socket = listen(host, port, "--rest-port")
        self.port: int = self._socket.getsockname()[1]
        self._thread: threading.Thread | None = None

    def start(self, app: Starlette) -> None:
        """Answer with `app`."""
        import uvicorn

        config = uvicorn.Config(
            app,
            log_config=None,
            log_level="error",
            access_log=False,
            server_header=False,
            lifespan="off",
            ws="none",
            limit_concurrency=self._options.max_calls,
            **(self._tls.for_uvicorn() if self._tls else {}),
        )
        self._server = uvicorn.Server(config)
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
