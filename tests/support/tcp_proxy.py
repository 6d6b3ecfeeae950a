"""A TCP proxy that can misbehave: fall silent on the connections that it has, or cut them."""

import contextlib
import socket
import threading


class TcpProxy:
    """Forwards between its own port and a server's.

    Attributes:
        target: Its address.
        accepted: Connections so far.
    """

    def __init__(self, server: str, *, cut_after: int = 0) -> None:
        """Start.

        Args:
            server: HOST:PORT.
            cut_after: Cut each connection when this many bytes came from the client; 0 for never.
        """
        host, port = server.rsplit(":", 1)
        self._server, self._cut_after = (host, int(port)), cut_after
        self._sockets: list[socket.socket] = []
        self._silent: set[int] = set()  # numbers of connections that swallow what they get
        self.accepted = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.target = f"127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def fall_silent(self) -> None:
        """Bring nothing more over the present connections; they stay open, and new ones work."""
        self._silent = set(range(self.accepted + 1))

    def stop(self) -> None:
        """Close everything."""
        for one in (self._listener, *self._sockets):
            _close(one)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._server)
                self.accepted += 1
                self._sockets += [client, server]
                for source, sink, limit in ((client, server, self._cut_after), (server, client, 0)):
                    threading.Thread(target=self._copy, args=(self.accepted, source, sink, limit), daemon=True).start()

    def _copy(self, number: int, source: socket.socket, sink: socket.socket, limit: int) -> None:
        copied = 0
        with contextlib.suppress(OSError):
            while part := source.recv(65536):
                if number in self._silent:
                    continue
                sink.sendall(part)
                copied += len(part)
                if limit and copied >= limit:
                    break
        if number not in self._silent:
            _close(source)
            _close(sink)


def _close(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()
