"""When a failed call is tried again, and how long its client waits before.

gRPC itself tries again what a server refused with UNAVAILABLE before it began (see `channel`). Here it is about a server that is
there but has no room or no model yet: worth waiting for, as long as the call's time lasts.
"""

from __future__ import annotations

import enum
import random
import time

import grpc

from .contract import STILL_LOADING

_LOADING_PAUSE = 0.5  # seconds between two questions to a server that still loads its model
_FIRST_PAUSE, _LAST_PAUSE = 0.1, 2.0  # seconds between two calls to a server without room: at most, doubled each time
_LEAST_PAUSE = 0.02
_LEAST_TIME = 0.001  # seconds; gRPC takes no deadline in the past
# In the details: a message beyond the size limit never gets through, however often it is sent.
_TOO_LARGE = "larger than max"
_FULL_QUEUE = "batch scheduling queue"  # TensorFlow Serving's words, with UNAVAILABLE


class Wait(enum.Enum):
    """What a call waits for between two tries."""

    NOTHING = "it is not tried again"
    MODEL = "the server still loads its model"
    ROOM = "the server is overloaded"


def said(error: grpc.RpcError) -> str:
    """A failure's details, on one line."""
    return " ".join((error.details() or "").split())


class Tries:
    """One call's time, shared by all its tries.

    Attributes:
        waits_for: What the last try was put off for.
    """

    def __init__(self, timeout: float) -> None:
        """Begin.

        Args:
            timeout: Seconds for all tries together.
        """
        self._deadline, self._pause = time.monotonic() + timeout, _FIRST_PAUSE
        self.waits_for = Wait.NOTHING

    def left(self) -> float:
        """Seconds for the next try."""
        return max(self._deadline - time.monotonic(), _LEAST_TIME)

    def pause(self, error: grpc.RpcError) -> float | None:
        """Seconds to wait before the next try; None where there is none.

        Pauses grow and are drawn at random ("full jitter", Brooker 2015), so that clients refused together don't return together.
        """
        wait = _wait(error)
        if wait is Wait.NOTHING and error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
            return None  # the last try had little time: what it waited for is still the cause
        self.waits_for = wait
        if wait is Wait.NOTHING:
            return None
        if wait is Wait.MODEL:
            seconds = _LOADING_PAUSE
        else:
            seconds = random.uniform(_LEAST_PAUSE, self._pause)  # noqa: S311 - spreads load, keeps no secret
            self._pause = min(2 * self._pause, _LAST_PAUSE)
        return seconds if time.monotonic() + seconds < self._deadline else None


def _wait(error: grpc.RpcError) -> Wait:
    code, details = error.code(), said(error)
    if code is grpc.StatusCode.UNAVAILABLE and details == STILL_LOADING:
        return Wait.MODEL
    if code is grpc.StatusCode.RESOURCE_EXHAUSTED and _TOO_LARGE not in details:
        return Wait.ROOM
    if code is grpc.StatusCode.UNAVAILABLE and _FULL_QUEUE in details:
        return Wait.ROOM
    return Wait.NOTHING
