"""Dynamic batching: rows of requests that wait for the same signature run together.

As in TensorFlow Serving (batching/batching_session.h) there is one queue for each signature of each version, and requests larger
than a batch are split. A row's result depends on that row alone (see the contract), so no client sees how it travelled.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

import tensorflow as tf

from serving.server.options import ServerOptions
from serving.server.requests.calls import Arrays, Call, Slice, add, fail, joined, size_of

Run = Callable[[str, Arrays], Arrays]


class QueueFull(Exception):
    """As much waits for the signature as may; says which limit it is."""


class Batcher:
    """Runs the signatures of one version, each with a queue and a thread of its own; safe to use from many threads."""

    def __init__(self, run: Run, options: ServerOptions, observe: Callable[[str, int], None]) -> None:
        """Prepare; threads start with the first request of a signature.

        Args:
            run: Runs a signature on arrays.
            options: Sizes and times.
            observe: Told the signature and rows of each batch that is run.
        """
        self._run, self._options, self._observe = run, options, observe
        self._lock = threading.Lock()
        self._queues: dict[str, _Queue] = {}

    def run(self, signature: str, inputs: Arrays, deadline: float | None = None) -> Arrays:
        """Run a signature on a request's rows and wait for the result.

        Args:
            signature: Its name.
            inputs: Arrays with the same number of rows, of the signature's dtypes.
            deadline: When the answer is no longer of use, on the clock of `time.monotonic`; None for never.

        Raises:
            QueueFull: Too much waits already.
            TimeoutError: The deadline passed first.
            tf.errors.OpError: The graph refuses the values of this request.
        """
        rows = {value.shape[0] if value.ndim else None for value in inputs.values()}
        count = rows.pop() if len(rows) == 1 else None
        if not count or not self._options.max_batch_size:
            if deadline is not None and time.monotonic() >= deadline:
                raise TimeoutError
            self._observe(signature, count or 0)
            return self._run(signature, inputs)
        with self._lock:
            if signature not in self._queues:
                self._queues[signature] = _Queue(signature, self._run, self._options, self._observe)
            queue = self._queues[signature]
        if queue.claim(count, deadline):
            try:
                self._observe(signature, count)
                return self._run(signature, inputs)
            finally:
                queue.release()
        call = queue.put(inputs, count, deadline)
        try:
            return call.future.result(None if deadline is None else max(deadline - time.monotonic(), 0))
        finally:
            call.future.cancel()

    def queued_rows(self) -> dict[str, int]:
        """Rows that wait, by signature."""
        with self._lock:
            return {signature: queue.rows for signature, queue in self._queues.items()}

    def close(self) -> None:
        """End the threads; no request may be under way."""
        with self._lock:
            for queue in self._queues.values():
                queue.close()


class _Queue:
    """The requests that wait for one signature, and the thread that runs them in batches."""

    def __init__(self, signature: str, run: Run, options: ServerOptions, observe: Callable[[str, int], None]) -> None:
        self._signature, self._run, self._options, self._observe = signature, run, options, observe
        self._calls: deque[Call] = deque()
        self._changed = threading.Condition()
        self._closed = self._running = False
        self.rows = self._size = 0
        self._row_size = 0  # bytes of a row's answer, as the last batch had it
        self._thread = threading.Thread(target=self._work, name=f"forger-batch-{signature}", daemon=True)
        self._thread.start()

    def claim(self, rows: int, deadline: float | None) -> bool:
        """Whether a request may run in its own thread, which spares a lone one two changes of thread; then `release` follows.

        It may where nothing runs and nothing waits, and no batch is to be waited for.
        """
        with self._changed:
            late = deadline is not None and time.monotonic() >= deadline
            if self._running or self._calls or late or rows > self._options.max_batch_size or self._options.batch_timeout_ms:
                return False
            self._running = True
            return True

    def release(self) -> None:
        """Let the next batch run."""
        with self._changed:
            self._running = False
            self._changed.notify()

    def put(self, inputs: Arrays, rows: int, deadline: float | None) -> Call:
        # Only inputs of one kind fit together: a signature may leave a dimension open.
        kind = tuple((alias, inputs[alias].dtype.str, inputs[alias].shape[1:]) for alias in sorted(inputs))
        call = Call(inputs, rows, deadline, kind)
        with self._changed:
            call.size = size_of(inputs) + rows * self._row_size
            if self._full(call):
                self._drop_dead()
                if problem := self._full(call):
                    raise QueueFull(problem)
            self._calls.append(call)
            self.rows += rows
            self._size += call.size
            self._changed.notify()
        return call

    def _full(self, call: Call) -> str:
        """Which limit the call would pass; empty for none. An empty queue takes any."""
        options = self._options
        if not self._calls:
            return ""
        if len(self._calls) >= options.max_queue:
            return f"up to {options.max_queue} requests may wait (max-queue)"
        if self._size + call.size > options.max_queue_bytes:
            return f"requests and answers of up to {options.max_queue_bytes} bytes may wait (max-queue-bytes)"
        if options.max_queue_rows and self.rows + call.rows > options.max_queue_rows:
            return f"up to {options.max_queue_rows} rows may wait (max_enqueued_batches)"
        return ""

    def _drop_dead(self) -> None:
        """Forget those that nobody waits for any more; they must not hold up the living."""
        for _ in range(len(self._calls)):
            if self._calls[0].dead:
                self._drop(self._calls[0])
            else:
                self._calls.rotate(-1)

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _work(self) -> None:
        while batch := self._next_batch():
            self._observe(self._signature, sum(part.stop - part.start for part in batch))
            try:
                self._execute(batch)
            except Exception as error:  # the thread must outlive whatever a batch does
                for part in batch:
                    fail(part.call, error)
            self.release()

    def _next_batch(self) -> list[Slice]:
        """Wait for requests and take as many as fit in a batch; nothing once closed."""
        size, patience = self._options.max_batch_size, self._options.batch_timeout_ms / 1000
        with self._changed:
            while True:
                self._changed.wait_for(lambda: (self._calls and not self._running) or self._closed)
                if self._closed:
                    return []
                if patience:
                    left = self._calls[0].queued_at + patience - time.monotonic()
                    self._changed.wait_for(lambda: self.rows >= size or self._closed, max(left, 0))
                batch = self._take(size)
                if batch:
                    self._running = True
                    return batch

    def _take(self, size: int) -> list[Slice]:
        batch: list[Slice] = []
        room = size
        while self._calls and room:
            call = self._calls[0]
            if call.dead:
                self._drop(call)
                continue
            left = call.rows - call.taken
            fits = left <= room or call.rows > size
            if batch and (not fits or call.kind != batch[0].call.kind):
                break
            taken = min(left, room)
            batch.append(Slice(call, call.taken, call.taken + taken))
            call.taken += taken
            self.rows -= taken
            room -= taken
            self._calls.popleft()
            if call.taken == call.rows:
                self._size -= call.size
            else:
                self._calls.append(call)  # behind the others: a large request must not hold up the small ones
                break
        return batch

    def _drop(self, call: Call) -> None:
        self._calls.popleft()
        self.rows -= call.rows - call.taken
        self._size -= call.size
        fail(call, TimeoutError())

    def _execute(self, batch: list[Slice]) -> None:
        parts = [part.inputs() for part in batch]
        try:
            outputs = self._run(self._signature, joined(parts))
        except tf.errors.OpError as error:
            if len(batch) == 1:
                fail(batch[0].call, error)
                return
            self._execute_alone(batch)
            return
        rows = sum(part.stop - part.start for part in batch)
        if any(value.ndim == 0 or value.shape[0] != rows for value in outputs.values()):
            self._execute_alone(batch)  # the signature does not answer row by row
            return
        self._row_size = size_of(outputs) // rows
        start = 0
        for part in batch:
            stop = start + part.stop - part.start
            add(part, {alias: value[start:stop] for alias, value in outputs.items()})
            start = stop

    def _execute_alone(self, batch: list[Slice]) -> None:
        """Run each request by itself: one client's bad value must not fail the others."""
        for part in batch:
            try:
                add(part, self._run(self._signature, part.inputs()))
            except tf.errors.OpError as error:
                fail(part.call, error)
