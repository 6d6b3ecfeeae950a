"""How long a call may keep a thread waiting for its message; gRPC would wait for ever.

gRPC asks for a unary call's message in the thread that will handle it, before anything of ours runs. So every method is handled
as one that takes a stream of messages, which is the same on the wire: then the message is asked for here, and one thread looks
after all that wait.
"""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import grpc
from google.protobuf.message import DecodeError

from serving.server.rpc.workers import Workers

_SWEEP_SECONDS = 0.5
# Calls that hold a thread until their message comes, since when, and whose thread it is.
_Waiting = dict[grpc.ServicerContext, tuple[float, Workers]]


class Arrivals(grpc.ServerInterceptor):
    """Cancels calls whose message does not arrive."""

    def __init__(self, workers: Workers, seconds: float) -> None:
        """Prepare; nothing is cancelled before `start`.

        Args:
            workers: Handle the methods that have no threads of their own.
            seconds: How long a thread waits for a message; less where its `Workers` are crowded, as their `hurry_seconds` say.
        """
        self._workers, self._seconds = workers, seconds
        self._waiting: _Waiting = {}
        self._timed = functools.cache(self._make_timed)  # by method, for it takes 10 us
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="forger-arrivals", daemon=True)

    def start(self) -> None:
        """Begin to look after the calls that wait, in a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """End that thread; the server has stopped."""
        self._stop.set()

    def intercept_service(
        self, continuation: Callable[[grpc.HandlerCallDetails], grpc.RpcMethodHandler | None], handler_call_details: Any
    ) -> grpc.RpcMethodHandler | None:
        """Handle a method as before, once its message is there."""
        handler = continuation(handler_call_details)
        return None if handler is None else self._timed(handler)

    def _make_timed(self, handler: Any) -> grpc.RpcMethodHandler:
        if handler.request_streaming:  # reflection alone, which streams both ways
            stream = _Stream(handler.stream_stream, self._workers, self._waiting)
            return grpc.stream_stream_rpc_method_handler(stream, handler.request_deserializer, handler.response_serializer)
        first = _First(handler.unary_stream or handler.unary_unary, self._workers, self._waiting, handler.request_deserializer)
        make = grpc.stream_stream_rpc_method_handler if handler.response_streaming else grpc.stream_unary_rpc_method_handler
        return make(first, None, handler.response_serializer)

    def _watch(self) -> None:
        while not self._stop.wait(_SWEEP_SECONDS):
            now = time.monotonic()
            for context, (since, threads) in self._waiting.copy().items():
                if now - since > (min(self._seconds, threads.hurry_seconds) if threads.crowded else self._seconds):
                    context.cancel()


class _Behaviour:
    """A method's behaviour in the threads that it had."""

    def __init__(self, behaviour: Any, workers: Workers, waiting: _Waiting) -> None:
        self._behaviour, self._waiting = behaviour, waiting
        self.experimental_thread_pool: Workers = getattr(behaviour, "experimental_thread_pool", None) or workers
        self.experimental_non_blocking: bool = getattr(behaviour, "experimental_non_blocking", False)

    def _wait_from_now(self, context: grpc.ServicerContext) -> None:
        self._waiting[context] = time.monotonic(), self.experimental_thread_pool


class _First(_Behaviour):
    """That of a method that takes one message."""

    def __init__(self, behaviour: Any, workers: Workers, waiting: _Waiting, parse: Callable[[bytes], Any] | None) -> None:
        super().__init__(behaviour, workers, waiting)
        self._parse = parse

    def __call__(self, messages: Iterator[bytes], context: grpc.ServicerContext, *callback: Any) -> Any:
        self._wait_from_now(context)
        try:
            message: Any = next(messages, None)
        finally:
            del self._waiting[context]
        if message is None:
            context.abort(grpc.StatusCode.UNIMPLEMENTED, "the method takes one request message, none came")
        if self._parse is not None:
            try:
                message = self._parse(message)
            except DecodeError:
                context.abort(grpc.StatusCode.INVALID_ARGUMENT, "the message is not of the method's type")
        return self._behaviour(message, context, *callback)


class _Stream(_Behaviour):
    """That of a method that takes a stream and answers one: resting between messages and leaving answers unread are timed too."""

    def __call__(self, messages: Iterator[Any], context: grpc.ServicerContext) -> Iterator[Any]:
        def arriving() -> Iterator[Any]:
            for message in messages:
                self._wait_from_now(context)
                yield message

        self._wait_from_now(context)
        try:
            yield from self._behaviour(arriving(), context)
        finally:
            del self._waiting[context]
