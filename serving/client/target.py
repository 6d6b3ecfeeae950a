"""A server's address: checked before gRPC gets it, which would take most mistakes for a name to look up."""

from __future__ import annotations

import re

from .errors import ClientError

# gRPC's own kinds of address (https://github.com/grpc/grpc/blob/master/doc/naming.md).
_LISTS = ("ipv4", "ipv6")
_OTHERS = ("unix", "unix-abstract", "vsock", "xds", "google-c2p")
_URL = re.compile(r"([a-z][a-z0-9+.-]*)://", re.IGNORECASE)
_HOST_PORT = re.compile(r"(?P<host>\[[^\]]+\]|[^:\[\]/\s]+):(?P<port>[^:]*)")
_LAST_PORT = 65535


def check_target(target: str) -> None:
    """Check an address.

    Raises:
        ClientError: It is no address that gRPC knows; the line says what to write instead.
    """
    scheme, _, rest = target.partition(":")
    url = _URL.match(target)
    if scheme in _OTHERS:
        if not rest.strip("/"):
            raise ClientError(f"{target} names no socket: write {scheme}:PATH")
        return
    if url and scheme != "dns" and scheme not in _LISTS:
        secure = ", and ask for TLS (ClientTls(), or --tls)" if scheme.lower() in ("https", "grpcs") else ""
        raise ClientError(f"{target} is a URL: write the gRPC port's HOST:PORT, without {url[0]}{secure}")
    if scheme in _LISTS:
        for one in rest.lstrip("/").split(","):
            _check_host_port(one, target)
    elif scheme == "dns":
        _check_host_port(rest.rpartition("/")[2], target)
    else:
        _check_host_port(target, target)


def endpoint(target: str) -> tuple[str, int] | str | None:
    """What an address means where it names one server: host and port, or a Unix socket's path; else None."""
    scheme, _, rest = target.partition(":")
    if scheme == "unix":
        return rest[2:] if rest.startswith("//") else rest
    if scheme in _OTHERS or "," in target:
        return None
    plain = rest.rpartition("/")[2] if scheme in (*_LISTS, "dns") else target
    found = _HOST_PORT.fullmatch(plain)
    return (found["host"].strip("[]"), int(found["port"])) if found else None


def _check_host_port(text: str, target: str) -> None:
    found = _HOST_PORT.fullmatch(text)
    if not found:
        raise ClientError(f"{target!r} is no address: write HOST:PORT, e.g. 127.0.0.1:8500 or [::1]:8500")
    port = found["port"]
    if not (port.isascii() and port.isdigit() and 0 < int(port) <= _LAST_PORT):
        raise ClientError(f"{target} has no port from 1 to {_LAST_PORT}: write HOST:PORT, e.g. 127.0.0.1:8500")
