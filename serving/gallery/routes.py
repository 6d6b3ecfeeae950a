"""The gallery's routes: the page, its files, and the small JSON interface that it draws through."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.client import ClientError
from serving.gallery.artist import Artist
from serving.gallery.model import Versions, describe, shown_version
from serving.gallery.queries import BadQuery, PathQuery, PictureQuery, Query

_STATIC = Path(__file__).parent / "static"
# What the model server refuses, by the name of gRPC's code; the rest is 503.
_HTTP = {"INVALID_ARGUMENT": 400, "NOT_FOUND": 404, "FAILED_PRECONDITION": 409, "RESOURCE_EXHAUSTED": 429}
_SECURITY = {
    # The page needs its own files and the PNGs inside answers, nothing else.
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-cache",  # a newer release's page must not run with an older one's script
}


class _SecurityHeaders:
    """Puts the security headers on every answer below it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_SECURITY)
            await send(message)

        await self._app(scope, receive, send_with_headers)


def gallery_routes(target: str, versions: Versions, looking: Callable[[], bool], *, model_name: str) -> list[BaseRoute]:
    """Make the routes `/` and `/gallery/...`.

    Args:
        target: HOST:PORT of the gRPC port: the gallery draws as any client does, so its requests are batched and limited alike.
        versions: Returns what is known of each version, oldest first, see `serving.gallery.model`. Called from many threads.
        looking: Whether the server has yet to see which versions there are.
        model_name: The servable's name.
    """
    artist = Artist(target, model_name)

    # Plain functions: starlette runs them in its thread pool, so that a draw never holds up the event loop.
    def model(_: Request) -> Response:
        return JSONResponse(describe(model_name, versions(), looking=looking()))

    def images(request: Request) -> Response:
        query = PictureQuery.read(request.query_params)
        return JSONResponse(artist.images(_version(query), query))

    def path(request: Request) -> Response:
        query = PathQuery.read(request.query_params)
        return JSONResponse(artist.path(_version(query), query))

    def picture(request: Request) -> Response:
        query = PictureQuery.read(request.query_params)
        version = _version(query)
        name = f"{model_name}-v{version}-{query.name}.png"
        headers = {"content-disposition": f'attachment; filename="{name}"'}
        return Response(artist.picture(version, query), media_type="image/png", headers=headers)

    def _version(query: Query) -> int:
        return shown_version(versions(), query.version)

    secured = [Middleware(_SecurityHeaders)]
    return [
        Route("/", _page, middleware=secured),
        Mount("/gallery/static", StaticFiles(directory=_STATIC), middleware=secured),
        Mount(
            "/gallery/api",
            routes=[
                Route("/model", _answering(model)),
                Route("/images", _answering(images)),
                Route("/path", _answering(path)),
                Route("/picture.png", _answering(picture)),
            ],
            middleware=secured,
        ),
    ]


def _page(_: Request) -> Response:
    return FileResponse(_STATIC / "index.html")


def _answering(endpoint: Callable[[Request], Response]) -> Callable[[Request], Response]:
    """Turn what the visitor or the server did wrong into one line of JSON."""

    @functools.wraps(endpoint)
    def answer(request: Request) -> Response:
        try:
            return endpoint(request)
        except BadQuery as error:
            return _refusal(error, 400)
        except LookupError as error:
            return _refusal(error.args[0], 404)
        except ClientError as error:
            return _refusal(error, _HTTP.get(error.code, 503))

    return answer


def _refusal(reason: Any, status: int) -> Response:
    return JSONResponse({"error": str(reason)}, status_code=status)
