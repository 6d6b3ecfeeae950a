"""What an operator may choose about the embedded server."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ServerOptions:
    """Limits and times, each with a default that suits one machine.

    Attributes:
        poll_seconds: Time between two looks at the model base directory; 1 s as TensorFlow Serving has it.
        retry_seconds: After this long a version that failed to load is tried again even if its files did not change; 60 s as
            TensorFlow Serving has it.
        max_rows: Rows of one request; 1024 float images are 3 MiB, below gRPC's default limit for a client's messages.
        max_message_bytes: Size of one request or answer; 16 MiB holds 1024 rows of any signature.
        workers: Requests handled at once; more than cores, so that small requests do not wait behind a large one.
        drain_seconds: How long a stopping server lets running requests finish.
    """

    poll_seconds: float = 1.0
    retry_seconds: float = 60.0
    max_rows: int = 1024
    max_message_bytes: int = 16 * 2**20
    workers: int = 8
    drain_seconds: float = 15.0
