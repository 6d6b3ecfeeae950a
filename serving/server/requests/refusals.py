"""How a request is refused: one exception that carries the gRPC status, whichever protocol answers."""

from __future__ import annotations

import grpc

_MAX_MESSAGE = 2000  # characters; gRPC carries it in trailers that are limited to 8 KiB, and a request's names may be long


class Refusal(Exception):
    """A request that is answered with a status other than OK."""

    def __init__(self, code: grpc.StatusCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message if len(message) <= _MAX_MESSAGE else f"{message[:_MAX_MESSAGE]}..."


def invalid(message: str) -> Refusal:
    """INVALID_ARGUMENT: the client's mistake."""
    return Refusal(grpc.StatusCode.INVALID_ARGUMENT, message)
