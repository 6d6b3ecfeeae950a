"""A load generator: closed-loop gRPC clients in a process of their own. Imports no TensorFlow, so that it takes little CPU.

`python load.py` reads a JSON object from standard input (the fields of `Load`), and writes one to standard output (of `Reply`).
It sends serialised requests as they are and doesn't parse the answers: what is measured is the server, not a client library.
"""

from __future__ import annotations

import asyncio
import base64
import json
import sys
import time
from dataclasses import asdict, dataclass, field

_MAX_MESSAGE_BYTES = 64 * 2**20
_MAX_FAILURES = 5  # that are reported in words


@dataclass(frozen=True)
class Load:
    """What to send.

    Attributes:
        target: HOST:PORT.
        method: Full name of the gRPC method.
        requests: Serialised requests, base64; every client goes through them in turn.
        clients: Clients at once; each sends its next request when the last one is answered.
        warm_up: Seconds before anything counts.
        seconds: Seconds that count.
        rate: Calls a second of all clients together that are not exceeded; None for as many as there can be. A client that was
            held up does not catch up: its next call is due after the same pause.
        timeout: Seconds that a client waits for an answer.
    """

    target: str
    method: str
    requests: list[str]
    clients: int
    warm_up: float
    seconds: float
    rate: float | None = None
    timeout: float = 30.0


@dataclass
class Reply:
    """What came back.

    Attributes:
        ended: Time of each answered call since the epoch, in seconds.
        latencies: Seconds from sending each call to its answer.
        failed: Calls that failed.
        failures: The first failures in words.
        first: The first answer, base64.
    """

    ended: list[float] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)
    failed: int = 0
    failures: list[str] = field(default_factory=list)
    first: str = ""


async def run(load: Load) -> Reply:
    """Send the load."""
    import grpc
    from grpc import aio

    requests = [base64.b64decode(request) for request in load.requests]
    reply = Reply()
    options = [("grpc.max_receive_message_length", _MAX_MESSAGE_BYTES), ("grpc.use_local_subchannel_pool", 1)]
    counts_from = time.monotonic() + load.warm_up
    end = counts_from + load.seconds
    pause = load.clients / load.rate if load.rate else 0.0

    async def client(number: int) -> None:
        async with aio.insecure_channel(load.target, options) as channel:
            call = channel.unary_unary(load.method)
            due, turn = time.monotonic() + pause * number / load.clients, number
            while (now := time.monotonic()) < end:
                if pause and due > now:
                    await asyncio.sleep(due - now)
                began = time.monotonic()
                try:
                    answer = await call(requests[turn % len(requests)], timeout=load.timeout)
                except grpc.RpcError as error:
                    reply.failed += 1
                    if len(reply.failures) < _MAX_FAILURES:
                        reply.failures.append(f"{error.code().name}: {error.details()}")
                else:
                    if not reply.first and turn % len(requests) == 0:
                        reply.first = base64.b64encode(answer).decode()
                    done = time.monotonic()
                    if done >= counts_from:
                        reply.latencies.append(done - began)
                        reply.ended.append(time.time())
                due = max(due, began) + pause
                turn += 1

    await asyncio.gather(*(client(number) for number in range(load.clients)))
    return reply


if __name__ == "__main__":
    json.dump(asdict(asyncio.run(run(Load(**json.load(sys.stdin))))), sys.stdout)
