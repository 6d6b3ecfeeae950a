"""Which calls are taken in: beyond a limit they are refused, unread, and no faster than a server that has work can afford."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import grpc

# A refusal takes gRPC and Python about 50 us, a call 800 us. Who asks again at once would be refused 20 times in a call's
# time, and 200 such clients took a third of what the others get. At this rate they take 2 %, and wait for their refusal instead.
_PAUSE = 0.0025  # seconds between two refusals
# Calls that wait for their refusal; beyond these gRPC refuses at once, so that they cannot grow without end.
HELD = 2048
_HEALTH = "/grpc.health."  # has threads of its own: a server that only works must not look ill


class Workers(ThreadPoolExecutor):
    """The threads that handle calls.

    Attributes:
        open: Calls that are handled or wait for a thread.
    """

    def __init__(self, count: int) -> None:
        """Start with no call.

        Args:
            count: Threads at most.
        """
        super().__init__(count, thread_name_prefix="forger-grpc")
        self._counting = threading.Lock()
        self.open = 0

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future:
        """Handle a call, as a ThreadPoolExecutor does."""
        future = super().submit(fn, *args, **kwargs)
        self._count(1)
        future.add_done_callback(lambda _: self._count(-1))
        return future

    def _count(self, more: int) -> None:
        with self._counting:
            self.open += more


class Admission(grpc.ServerInterceptor):
    """Refuses calls with RESOURCE_EXHAUSTED while as many are open as may be."""

    def __init__(self, workers: Workers, most: int) -> None:
        """Prepare.

        Args:
            workers: Count the open calls.
            most: How many may be open.
        """
        self._workers, self._most = workers, most
        # As a call with a stream, whose messages are read when they are asked for: here never.
        self._refusal = grpc.stream_unary_rpc_method_handler(_Refuse(f"{most} calls are open already: try again later"))

    def intercept_service(
        self, continuation: Callable[[grpc.HandlerCallDetails], grpc.RpcMethodHandler | None], handler_call_details: Any
    ) -> grpc.RpcMethodHandler | None:
        """Choose who handles a call; gRPC asks before it reads the message."""
        if self._workers.open < self._most or handler_call_details.method.startswith(_HEALTH):
            return continuation(handler_call_details)
        return self._refusal


class _Refuse:
    """A method's behaviour, run in a thread of its own, one call after the other."""

    def __init__(self, message: str) -> None:
        self._message = message
        self.experimental_thread_pool = ThreadPoolExecutor(1, thread_name_prefix="forger-refuse")

    def __call__(self, _messages: Iterator[bytes], context: grpc.ServicerContext) -> None:
        if context.is_active():
            time.sleep(_PAUSE)
            context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, self._message)
