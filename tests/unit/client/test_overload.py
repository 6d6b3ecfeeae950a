"""A server without room: the client waits its turn, within its time."""

import asyncio
import threading
import time

import grpc
import pytest

from serving.client import AsyncGeneratorClient, ClientError, GeneratorClient, labels_for, seeds_for
from tests.support.fake_model_service import FakeModelService


@pytest.fixture
def service():
    services = []

    def begin(**how):
        services.append(FakeModelService(**how))
        return services[-1]

    yield begin
    for one in services:
        one.stop()


# As Forger says it, and as TensorFlow Serving does.
NO_ROOM = [
    (grpc.StatusCode.RESOURCE_EXHAUSTED, "no room"),
    (grpc.StatusCode.UNAVAILABLE, "The batch scheduling queue to which this task was submitted is full"),
]


@pytest.mark.parametrize(("code", "details"), NO_ROOM)
def test_many_clients_of_a_server_with_little_room_are_all_answered(service, code, details):
    server, failures = service(room=2, seconds=0.02, code=code, details=details), []

    def draw():
        with GeneratorClient(server.target, "tiny", timeout=20) as client:
            for _ in range(5):
                try:
                    client.status()
                except ClientError as error:
                    failures.append(error)

    threads = [threading.Thread(target=draw) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert server.calls > 80  # some were refused


def test_the_same_for_asyncio(service):
    server = service(room=2, seconds=0.02, code=grpc.StatusCode.RESOURCE_EXHAUSTED)

    async def draw():
        async with AsyncGeneratorClient(server.target, "tiny", timeout=20) as client:
            return await asyncio.gather(*(client.status() for _ in range(40)))

    assert {answer[0].version for answer in asyncio.run(draw())} == {1}
    assert server.calls > 40


def test_it_ends_with_the_calls_time_and_says_why(service):
    server = service(failures=10_000, code=grpc.StatusCode.RESOURCE_EXHAUSTED, details="64 calls wait")
    with GeneratorClient(server.target, "tiny", timeout=2) as client:
        began = time.monotonic()
        with pytest.raises(ClientError, match=r"is overloaded, it refused for 2 s \(64 calls wait\): ask for less") as caught:
            client.status()
        assert 0.5 < time.monotonic() - began < 3
    assert caught.value.code == "RESOURCE_EXHAUSTED"
    assert 3 < server.calls < 40  # pauses grow


def test_what_is_too_large_for_a_message_is_refused_at_once(service):
    details = "Received message larger than max (70000000 vs. 67108864)"
    server = service(failures=100, code=grpc.StatusCode.RESOURCE_EXHAUSTED, details=details)
    with GeneratorClient(server.target, "tiny", timeout=20) as client, pytest.raises(ClientError, match="larger than max"):
        client.status()
    assert server.calls == 1


def test_sixteen_clients_of_a_thousand_rows_each(base, start):
    """Together they want eight times what waits in the server's queue."""
    server, failures = start(base), []

    def draw(seed):
        with GeneratorClient(server.target, "tiny", timeout=60) as client:
            try:
                assert len(client.sample(seeds_for(seed, 1000), labels_for(7, 1000))[0]) == 1000
            except ClientError as error:
                failures.append(error)

    threads = [threading.Thread(target=draw, args=(seed,)) for seed in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
