"""What every HTTP request passes first: its target in any form, and whom it was meant for."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from urllib.parse import unquote

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from serving.server.rest import json_responses

# RFC 9112, 3.2.2: a server must take the absolute form too, and its authority in place of the Host header.
_ABSOLUTE = re.compile(rb"https?://(?P<authority>[^/?#]*)(?P<path>.*)", re.IGNORECASE)
_AUTHORITY = re.compile(r"(?P<host>\[[^\]]*\]|[^:]*)(?::\d*)?")
_SMALLEST = 1024  # bytes of an answer that is worth compressing


def behind_front(app: ASGIApp, host: str, origins: Sequence[str]) -> ASGIApp:
    """Put the front before an application.

    Args:
        app: The application.
        host: The address that the port is bound to. Where only this machine reaches it, only its own names are answered: a page
            from elsewhere whose name was pointed here (DNS rebinding) is not.
        origins: Whose pages may use the API from a browser (CORS); `*` for everybody's.
    """
    app = GZipMiddleware(app, minimum_size=_SMALLEST, compresslevel=1)
    if origins:
        methods, headers = ("GET", "POST"), ("content-type", "content-encoding")
        app = CORSMiddleware(app, allow_origins=origins, allow_methods=methods, allow_headers=headers)
    return _Front(app, local=_is_local(host))


class _Front:
    def __init__(self, app: ASGIApp, *, local: bool) -> None:
        self._app, self._local = app, local

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        authority = Headers(scope=scope).get("host", "")
        absolute = _ABSOLUTE.fullmatch(scope["raw_path"])
        if absolute:
            authority, path = absolute["authority"].decode("latin-1"), absolute["path"] or b"/"
            scope = {**scope, "raw_path": path, "path": unquote(path.decode("latin-1"))}
        if self._local and not _names_local(authority):
            message = (
                f"this server answers its own machine alone, not {authority[:256]!r}: ask for 127.0.0.1 or localhost "
                "(a proxy: send that as Host), or bind another address with --host"
            )
            await Response(json_responses.error(message), 403, media_type="application/json")(scope, receive, send)
            return
        await self._app(scope, receive, send)


def _names_local(authority: str) -> bool:
    found = _AUTHORITY.fullmatch(authority)
    return found is not None and (not authority or _is_local(found["host"].strip("[]")))


def _is_local(host: str) -> bool:
    host = host.lower().rstrip(".")
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
