"""Addresses: checking them before gRPC does, and the ways to write and reach them."""

from __future__ import annotations

import socket
import tempfile
from pathlib import Path

import grpc

from serving.repository.errors import UserError

_ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 (what a host means, not what is bound)


def joined(host: str, port: int) -> str:
    """HOST:PORT, an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def dialable(host: str) -> str:
    """The address at which a server that binds `host` is reached from its own machine."""
    return _ANY.get(host, host)


def cannot_listen(host: str, port: int, error: Exception, option: str) -> UserError:
    """One line that says which option to change."""
    why = getattr(error, "strerror", None) or error
    return UserError(
        f"cannot listen on {joined(host, port)}: {why}; stop what listens there, or choose another with {option} or --host"
    )


def listen(host: str, port: int, option: str) -> socket.socket:
    """Bind and listen.

    Args:
        host: Name or address.
        port: 0 for any free one.
        option: The command line's name of the port, for the error.

    Raises:
        UserError: The address is taken, or not this machine's.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        found = socket.socket(family, kind, protocol)
        try:
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            found.bind(address)
            found.listen(128)  # binding alone succeeds beside a listener that allows reuse
        except OSError:
            found.close()
            raise
    except OSError as error:
        raise cannot_listen(host, port, error, option) from error
    return found


def check_address(host: str, port: int, option: str) -> None:
    """Bind once by hand: the operating system's reason is clearer than gRPC's, and gRPC prints lines of its own."""
    listen(host, port, option).close()


class PrivateSocket:
    """A gRPC address that only this user's own processes reach: a Unix socket in a directory that is theirs alone."""

    def __init__(self, server: grpc.Server) -> None:
        """Add the address to a server that has not started."""
        self._directory = tempfile.TemporaryDirectory(prefix="forger-")
        self.target = f"unix:{Path(self._directory.name) / 'grpc'}"
        server.add_insecure_port(self.target)

    def close(self) -> None:
        """Remove it; the server has stopped."""
        self._directory.cleanup()
