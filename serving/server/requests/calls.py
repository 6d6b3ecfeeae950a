"""Requests on their way through a queue: cut in slices, answered in parts, settled once."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field

import numpy as np

Arrays = dict[str, np.ndarray]


@dataclass(eq=False)
class Call:
    """One request in a queue; a large one is taken in several parts.

    Attributes:
        inputs: Its arrays, with as many rows each.
        rows: How many.
        deadline: When nobody waits any more, on the clock of `time.monotonic`.
        kind: Equal for requests whose rows may run together.
        size: Bytes that it takes with its answer, as far as that is known.
        taken: Rows that were given to a batch.
        answered: Rows that have come back.
    """

    inputs: Arrays
    rows: int
    deadline: float | None
    kind: tuple
    queued_at: float = field(default_factory=time.monotonic)
    size: int = 0
    taken: int = 0
    answered: int = 0
    parts: list[Arrays] = field(default_factory=list)
    future: Future = field(default_factory=Future)

    @property
    def dead(self) -> bool:
        """Nobody waits for it any more."""
        return self.future.done() or (self.deadline is not None and time.monotonic() >= self.deadline)


@dataclass(frozen=True)
class Slice:
    """Rows of a request that run in one batch."""

    call: Call
    start: int
    stop: int

    def inputs(self) -> Arrays:
        """These rows of the request's inputs."""
        return {alias: value[self.start : self.stop] for alias, value in self.call.inputs.items()}


def size_of(arrays: Arrays) -> int:
    """Bytes of arrays; of strings, what they hold."""
    return sum(sum(map(len, value.ravel().tolist())) if value.dtype == object else value.nbytes for value in arrays.values())


def joined(parts: list[Arrays]) -> Arrays:
    """Rows of all parts, in one array for each alias."""
    if len(parts) == 1:
        return parts[0]
    return {alias: np.concatenate([part[alias] for part in parts]) for alias in parts[0]}


def add(part: Slice, outputs: Arrays) -> None:
    """Take in a slice's outputs; the last one answers the request."""
    call = part.call
    call.parts.append(outputs)
    call.answered += part.stop - part.start
    if call.answered == call.rows:
        result = joined(call.parts)
        _settle(call, lambda: call.future.set_result(result))


def fail(call: Call, error: BaseException) -> None:
    """Answer a request with an error."""
    _settle(call, lambda: call.future.set_exception(error))


def _settle(call: Call, settle: Callable[[], None]) -> None:
    """Settle a call that its client may have given up in the same moment."""
    if not call.future.done() and call.future.set_running_or_notify_cancel():
        settle()
