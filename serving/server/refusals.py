"""How a request is refused: one exception that carries the gRPC status, and the handler that answers with it."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable

import grpc

_LOGGER = logging.getLogger("forger.serving")


class Refusal(Exception):
    """A request that is answered with a status other than OK."""

    def __init__(self, code: grpc.StatusCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def invalid(message: str) -> Refusal:
    """INVALID_ARGUMENT: the client's mistake."""
    return Refusal(grpc.StatusCode.INVALID_ARGUMENT, message)


def answering(method: Callable) -> Callable:
    """Turn a servicer's method that raises `Refusal` into one that aborts the call with its status."""

    @functools.wraps(method)
    def handler(self, request, context: grpc.ServicerContext):
        try:
            return method(self, request, context)
        except Refusal as refusal:
            context.abort(refusal.code, refusal.message)
        except Exception:
            _LOGGER.exception("%s failed", method.__name__)
            context.abort(grpc.StatusCode.INTERNAL, f"{method.__name__} failed, see the server's log")

    return handler
