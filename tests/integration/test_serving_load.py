"""A server under more clients than it has cores: everybody is answered, and beyond the limits the others still are."""

import multiprocessing
import threading
import time
from collections import Counter
from pathlib import Path

import grpc
import numpy as np
import pytest
from tensorflow_serving.apis import prediction_service_pb2_grpc

from serving.server.options import ServerOptions
from tests.support.predict_requests import predict_request
from tests.support.tiny_generator import build_tiny_generator

_SECONDS = 5
_MAX_RESIDENT = 1536  # MiB
_PAUSE = 0.2  # seconds after a refusal: who asks again at once keeps this machine's cores busy with asking


def _serve(base, options, pipe):
    from serving.server.app import GeneratorServer

    with GeneratorServer(base, "tiny", port=0, options=options) as server:
        pipe.send(server.target)
        pipe.recv()


@pytest.fixture
def serve(tmp_path):
    """Start a server as a process of its own; gives its address and process id."""
    build_tiny_generator(tmp_path / "tiny" / "1")
    begun = []

    def begin(**options):
        ours, theirs = multiprocessing.get_context("spawn").Pipe()
        process = multiprocessing.get_context("spawn").Process(
            target=_serve, args=(tmp_path / "tiny", ServerOptions(**options), theirs), daemon=True
        )
        process.start()
        begun.append((process, ours))
        assert ours.poll(120)
        return ours.recv(), process.pid

    yield begin
    for process, _ in begun:
        process.kill()
        process.join()


def _load(target, clients, rows, seconds=_SECONDS, channels=8):
    """Codes of all calls of so many clients that ask again as soon as they are answered, without retries."""
    asked = np.arange(rows) % 10
    request = predict_request(seed=asked, label=asked)
    codes, end = Counter(), time.monotonic() + seconds
    opened = [grpc.insecure_channel(target, [("grpc.use_local_subchannel_pool", 1)]) for _ in range(channels)]

    def ask(stub):
        while time.monotonic() < end:
            try:
                stub.Predict(request, timeout=60)
                codes["OK"] += 1
            except grpc.RpcError as error:
                codes[error.code().name] += 1
                time.sleep(_PAUSE)

    stubs = [prediction_service_pb2_grpc.PredictionServiceStub(channel) for channel in opened]
    threads = [threading.Thread(target=ask, args=(stubs[client % channels],)) for client in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for channel in opened:
        channel.close()
    return codes


def _resident(pid):
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096 // 2**20


@pytest.mark.parametrize(("clients", "rows"), [(64, 64), (16, 1000)])
def test_every_call_is_answered(serve, clients, rows):
    target, pid = serve()
    codes = _load(target, clients, rows)
    print(codes, _resident(pid), "MiB")
    assert set(codes) == {"OK"}
    assert codes["OK"] >= clients
    assert _resident(pid) < _MAX_RESIDENT


def test_beyond_the_limit_the_others_are_served_as_fast(serve):
    """Eight times as many clients as calls may be open: most are refused at once, and about as many are answered as before."""
    target, pid = serve(max_calls=32)
    alone = _load(target, 30, 64)
    crowded = _load(target, 256, 64)
    print(alone, crowded, _resident(pid), "MiB")
    assert alone["OK"] > 0.98 * alone.total()  # an answer that is on its way still counts as an open call
    assert set(crowded) == {"OK", "RESOURCE_EXHAUSTED"}
    assert crowded["OK"] > alone["OK"] / 2  # the clients are in the same two cores
    assert _resident(pid) < _MAX_RESIDENT
