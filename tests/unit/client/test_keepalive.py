"""Connections that nobody tells are gone: a proxy that goes silent, as firewalls and load balancers do."""

import asyncio
import time

import pytest

from serving.client import AsyncGeneratorClient, ClientError, GeneratorClient, channel
from tests.support.fake_model_service import FakeModelService
from tests.support.tcp_proxy import TcpProxy


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """A tenth of the true times."""
    assert (channel.KEEPALIVE_MS, channel.KEEPALIVE_TIMEOUT_MS) == (10_000, 10_000)
    monkeypatch.setattr(channel, "KEEPALIVE_MS", 1_000)
    monkeypatch.setattr(channel, "KEEPALIVE_TIMEOUT_MS", 500)


@pytest.fixture
def server():
    server = FakeModelService()
    yield server
    server.stop()


@pytest.fixture
def proxy(server):
    proxy = TcpProxy(server.target)
    yield proxy
    proxy.stop()


# At once a ping of gRPC's own is still on its way.
@pytest.mark.parametrize("rest", [0.0, 0.5])
def test_a_call_over_a_silent_connection_is_answered_over_a_new_one(proxy, rest):
    with GeneratorClient(proxy.target, "tiny", timeout=8) as client:
        client.status()
        time.sleep(rest)
        proxy.fall_silent()
        began = time.monotonic()
        assert client.status()[0].version == 1
        assert time.monotonic() - began < 7  # before the timeout
        assert proxy.accepted == 2
        client.status()
        assert proxy.accepted == 2


def test_the_same_for_asyncio(proxy):
    async def calls():
        async with AsyncGeneratorClient(proxy.target, "tiny", timeout=8) as client:
            await client.status()
            proxy.fall_silent()
            return await client.status()

    assert asyncio.run(calls())[0].version == 1
    assert proxy.accepted == 2


def test_a_client_that_never_waits_that_long_recovers_too(proxy):
    """Each call has less time than it takes to notice: the connection is replaced all the same, after some of them."""
    with GeneratorClient(proxy.target, "tiny", timeout=0.4) as client:
        client.status()
        proxy.fall_silent()
        began, answered = time.monotonic(), False
        while not answered and time.monotonic() - began < 10:
            answered = _answers(client)
        assert answered
        assert time.monotonic() - began < 7  # before the timeout


def test_an_answer_may_take_many_times_that_long():
    """The server has gRPC's own limits for pings, as TensorFlow Serving has: no `too_many_pings`."""
    server = FakeModelService(seconds=7.0)
    try:
        with GeneratorClient(server.target, "tiny", timeout=30) as client:
            assert client.status()[0].version == 1
        assert server.calls == 1
    finally:
        server.stop()


def _answers(client):
    try:
        return bool(client.status())
    except ClientError as error:
        assert error.code == "DEADLINE_EXCEEDED"
        return False


@pytest.mark.parametrize("timeout", [0.1, 10.0, 29.0, 60.0, 240.0, 3600.0])
def test_a_calls_time_holds_no_more_pings_than_grpcs_defaults_allow(timeout):
    """Servers close a connection on the fourth; newer clients of gRPC send one a minute beyond `max_pings_without_data`."""
    options = dict(channel.channel_options(None, timeout))
    assert timeout * 1000 / options["grpc.keepalive_time_ms"] < 4
    assert options["grpc.keepalive_permit_without_calls"] == 0
