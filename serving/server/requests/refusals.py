"""How a request is refused: one exception that carries the gRPC status, whichever protocol answers."""

from __future__ import annotations

import re

import grpc

# An absolute path of two parts or more, as TensorFlow's messages have them; a node's name in a graph is a relative one.
_PATH = re.compile(r"(?<![\w.:/<>-])(?:file:/*)?/+[\w.+@%~-]+/[^\s'\",;:()\[\]{}<>]*")
_MAX_MESSAGE = 2000  # characters; gRPC carries it in trailers that are limited to 8 KiB, and a request's names may be long


class Refusal(Exception):
    """A request that is answered with a status other than OK."""

    def __init__(self, code: grpc.StatusCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message if len(message) <= _MAX_MESSAGE else f"{message[:_MAX_MESSAGE]}..."


def without_paths(text: str) -> str:
    """What a client may read of an error: where files lie on this machine is not for it."""
    return _PATH.sub("<path>", text)


def invalid(message: str) -> Refusal:
    """INVALID_ARGUMENT: the client's mistake."""
    return Refusal(grpc.StatusCode.INVALID_ARGUMENT, message)
