"""The threads that handle gRPC's calls, and methods that have threads of their own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any


class Workers(ThreadPoolExecutor):
    """Threads that handle calls.

    Attributes:
        most: Calls that may be open at once.
        hurry_seconds: How long a thread waits for a call's message where other calls wait for a thread.
        open: Calls that are handled or wait for a thread.
    """

    def __init__(self, count: int, most: int, *, hurry_seconds: float, name: str = "forger-grpc") -> None:
        """Start with no call.

        Args:
            count: Threads at most.
            most: Calls that may be open at once.
            hurry_seconds: How long a thread waits for a call's message where other calls wait for a thread.
            name: What the threads' names begin with.
        """
        super().__init__(count, thread_name_prefix=name)
        self._count_of_threads = count
        self.most, self.hurry_seconds = most, hurry_seconds
        self._counting = threading.Lock()
        self.open = 0

    @property
    def crowded(self) -> bool:
        """Whether calls wait for a thread."""
        return self.open > self._count_of_threads

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future:
        """Handle a call, as a ThreadPoolExecutor does."""
        future = super().submit(fn, *args, **kwargs)
        self._count(1)
        future.add_done_callback(lambda _: self._count(-1))
        return future

    def _count(self, more: int) -> None:
        with self._counting:
            self.open += more


class OwnThreads:
    """A method's behaviour, run apart from the server's workers: gRPC's way to give a method threads of its own."""

    def __init__(self, behaviour: Callable[..., Any], threads: Workers) -> None:
        """Wrap a behaviour.

        Args:
            behaviour: As a servicer has it.
            threads: What runs it.
        """
        self._behaviour = behaviour
        self.experimental_thread_pool = threads
        self.experimental_non_blocking = getattr(behaviour, "experimental_non_blocking", False)

    def __call__(self, request: Any, context: Any, *callback: Any) -> Any:
        """Behave; a behaviour that doesn't block is given the callback that sends."""
        return self._behaviour(request, context, *callback)
