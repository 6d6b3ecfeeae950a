"""What a call can end with."""

from __future__ import annotations


class ClientError(Exception):
    """One clear line: what was asked for wrongly, what a model server refused, or why it can't be reached.

    Attributes:
        code: Name of the gRPC status, e.g. "NOT_FOUND", where a call ended with one; else empty.
    """

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code
