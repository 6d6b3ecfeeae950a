"""What an operator may choose about the embedded server."""

from __future__ import annotations

from dataclasses import dataclass, fields

from serving.repository.errors import UserError


@dataclass(frozen=True)
class ServerOptions:
    """Limits and times, each with a default that suits one machine.

    Attributes:
        poll_seconds: Time between two looks at the model base directory; 1 s as TensorFlow Serving has it.
        retry_seconds: After this long a version that failed to load is tried again even if its files did not change; 60 s as
            TensorFlow Serving has it.
        max_rows: Rows of one request; 1024 float images are 3 MiB, below gRPC's default limit for a client's messages.
        max_message_bytes: Size of one request or answer; 16 MiB holds 1024 rows of 28x28x1 floats, 256 of 128x128x3 bytes. Of an
            answer over REST, of its tensors: its JSON may be a few times as long.
        message_seconds: How long a call's message, or a request's body over REST, may take to arrive after its headers.
        max_batch_size: Rows that run at once, put together from the requests that wait; 0 runs each request on its own. Two cores
            draw most images a second at 32 to 64 rows.
        batch_timeout_ms: How long a batch that is not full waits for more rows. With 0 a batch starts as soon as the one before
            has ended, with all that came meanwhile: under load that fills batches, and a lone request never waits.
        max_queue: Requests that may wait for one signature, whatever their rows; further ones are refused with
            RESOURCE_EXHAUSTED. More than `workers` and REST's threads together can bring, so only a lower one refuses.
        max_queue_bytes: Memory that those of one signature may take, with their answers; an empty queue takes any request.
        max_queue_rows: Rows that may wait for one signature; 0 for no limit but the two above.
        workers: Requests handled at once; each waits in a thread of its own for its batch, so more than a full batch of them.
        max_calls: Calls that may be open at once, handled or waiting for a worker; further ones are refused. One that waits for a
            worker has not been read yet, so it takes next to no memory.
        drain_seconds: How long a stopping server lets running requests finish.
    """

    poll_seconds: float = 1.0
    retry_seconds: float = 60.0
    max_rows: int = 1024
    max_message_bytes: int = 16 * 2**20
    message_seconds: float = 60.0
    max_batch_size: int = 64
    batch_timeout_ms: float = 0.0
    max_queue: int = 256
    max_queue_bytes: int = 256 * 2**20
    max_queue_rows: int = 0
    workers: int = 96
    max_calls: int = 512
    drain_seconds: float = 15.0

    def __post_init__(self) -> None:
        """Check every value.

        Raises:
            UserError: One is out of its range.
        """
        for field in fields(self):
            low, high = _RANGES[field.name]
            value = getattr(self, field.name)
            if not low <= value <= high:  # also refuses NaN
                raise UserError(f"{field.name.replace('_', '-')} must be from {low:g} to {high:g}, not {value:g}")


_RANGES = {
    "poll_seconds": (0.01, 3600),
    "retry_seconds": (0, 86400),
    "max_rows": (1, 65536),
    "max_message_bytes": (1024, 2**31 - 1),
    "message_seconds": (0.01, 3600),
    "max_batch_size": (0, 65536),
    "batch_timeout_ms": (0, 10_000),
    "max_queue": (1, 2**20),
    "max_queue_bytes": (1, 2**40),
    "max_queue_rows": (0, 2**30),
    "workers": (1, 1024),
    "max_calls": (1, 65536),
    "drain_seconds": (0, 3600),
}
