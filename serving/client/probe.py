"""What listens at an address: a second look, taken when a call found no model server, so that its error can name the cause.

gRPC itself reports a server that wants TLS, one that speaks HTTP/1 and one that was cut off with much the same words.
"""

from __future__ import annotations

import contextlib
import enum
import socket
import ssl
from collections.abc import Iterator

from .target import endpoint

_SECONDS = 0.5  # for each step
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))  # and an empty SETTINGS frame
_FRAME_HEAD, _SETTINGS, _TLS_ALERT = 9, 4, 0x15


class Finding(enum.Enum):
    """What was found."""

    UNKNOWN = "not looked, or nothing can be said"
    NO_NAME = "the name has no address"
    REFUSED = "nothing listens"
    UNREACHABLE = "no way there, or no answer to a connection"
    SILENT = "a connection, but not a word"
    CLOSES = "a connection that is closed at once"
    FOREIGN = "something else than gRPC, e.g. HTTP/1"
    GRPC = "HTTP/2 without TLS"
    TLS = "TLS"
    MUTUAL_TLS = "TLS, for clients with a certificate"


def look(target: str) -> Finding:
    """Connect to an address and see what answers; takes two seconds at most."""
    try:
        with _connected(target) as connection:
            if connection is None:
                return Finding.UNKNOWN
            found = _greet(connection)
        return _try_tls(target, found) if found in (Finding.CLOSES, Finding.SILENT) else found
    except socket.gaierror:
        return Finding.NO_NAME
    except (ConnectionRefusedError, FileNotFoundError):
        return Finding.REFUSED
    except OSError:
        return Finding.UNREACHABLE


@contextlib.contextmanager
def _connected(target: str) -> Iterator[socket.socket | None]:
    address = endpoint(target)
    if address is None:
        yield None
    elif isinstance(address, str):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(_SECONDS)
            connection.connect(address)
            yield connection
    else:
        with socket.create_connection(address, _SECONDS) as connection:
            yield connection


def _greet(connection: socket.socket) -> Finding:
    """Say what a gRPC client says first."""
    head = b""
    try:
        connection.sendall(_PREFACE)
        while len(head) < _FRAME_HEAD and (part := connection.recv(64)):
            head += part
    except socket.timeout:
        return Finding.SILENT
    except OSError:
        pass  # a reset: what came before it counts
    if len(head) >= _FRAME_HEAD and head[3] == _SETTINGS and head[0] != _TLS_ALERT:
        return Finding.GRPC
    return Finding.FOREIGN if head and head[0] != _TLS_ALERT else Finding.CLOSES


def _try_tls(target: str, without: Finding) -> Finding:
    """See whether TLS brings more than going without; whose the server's certificate is isn't the question here."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    shaken = False
    try:
        with _connected(target) as connection:
            if connection is None:
                return without
            with context.wrap_socket(connection, server_hostname="localhost") as secured:
                shaken = True
                found = _greet(secured)
        # A server closes on a client without a certificate when the handshake is through (TLS 1.3).
        return Finding.MUTUAL_TLS if found is Finding.CLOSES else Finding.TLS
    except ssl.SSLError as error:
        return Finding.MUTUAL_TLS if "ALERT" in (error.reason or "") else without
    except OSError:
        return Finding.TLS if shaken else without
