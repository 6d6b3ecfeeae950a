"""Which calls are taken in: beyond a limit they are refused, unread, and no faster than a server that has work can afford."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc

from serving.server.rpc.workers import Workers

# A refusal takes gRPC and Python about 50 us, a call 800 us. Who asks again at once would be refused 20 times in a call's
# time, and 200 such clients took a third of what the others get. At this rate they take 2 %, and wait for their refusal instead.
_PAUSE = 0.0025  # seconds between two refusals
# Calls that wait for their refusal; beyond these gRPC refuses at once, so that they cannot grow without end.
HELD = 2048


class Admission(grpc.ServerInterceptor):
    """Refuses calls with RESOURCE_EXHAUSTED while as many are open as may be, of those that the same threads handle."""

    def __init__(self) -> None:
        """Prepare."""
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="forger-refuse")
        self._refusal = functools.cache(self._make_refusal)

    def intercept_service(
        self, continuation: Callable[[grpc.HandlerCallDetails], grpc.RpcMethodHandler | None], handler_call_details: Any
    ) -> grpc.RpcMethodHandler | None:
        """Choose who handles a call; gRPC asks before it reads the message."""
        handler: Any = continuation(handler_call_details)
        if handler is None:
            return None
        behaviour = handler.stream_stream or handler.stream_unary  # as `Arrivals` made it
        threads: Workers = behaviour.experimental_thread_pool
        return handler if threads.open < threads.most else self._refusal(threads.most)

    def _make_refusal(self, most: int) -> grpc.RpcMethodHandler:
        # As a call with a stream, whose messages are read when they are asked for: here never.
        refuse = _Refuse(f"{most} calls are open already: try again later", self._thread)
        return grpc.stream_unary_rpc_method_handler(refuse)


class _Refuse:
    """A method's behaviour, run in a thread that all refusals share, one call after the other."""

    def __init__(self, message: str, thread: ThreadPoolExecutor) -> None:
        self._message = message
        self.experimental_thread_pool = thread

    def __call__(self, _messages: Iterator[bytes], context: grpc.ServicerContext) -> None:
        if context.is_active():
            time.sleep(_PAUSE)
            context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, self._message)
