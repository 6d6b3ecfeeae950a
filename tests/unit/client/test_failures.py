"""Calls that find no model server: the line names the cause. Real servers of the wrong kind, both clients."""

import asyncio
import http.server
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest

from serving.client import AsyncGeneratorClient, ClientError, ClientTls, GeneratorClient, channel
from serving.server.app import GeneratorServer
from tests.support.certificates import make_certificates
from tests.support.fake_model_service import FakeModelService
from tests.support.tcp_proxy import TcpProxy


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    return make_certificates(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def strangers(tmp_path_factory):
    return make_certificates(tmp_path_factory.mktemp("strangers"))


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """A tenth of the true pauses: what is tried again here never works."""
    monkeypatch.setattr(channel, "FIRST_BACKOFF", channel.FIRST_BACKOFF / 10)
    monkeypatch.setattr(channel, "LAST_BACKOFF", channel.LAST_BACKOFF / 10)


def _service(**how):
    service = FakeModelService(**how)
    yield service.target
    service.stop()


@pytest.fixture(scope="module")
def plain():
    yield from _service()


@pytest.fixture(scope="module")
def secured(certificates):
    pair = [(certificates.server_key.read_bytes(), certificates.server_cert.read_bytes())]
    yield from _service(credentials=grpc.ssl_server_credentials(pair))


@pytest.fixture(scope="module")
def mutual(certificates):
    pair = [(certificates.server_key.read_bytes(), certificates.server_cert.read_bytes())]
    yield from _service(credentials=grpc.ssl_server_credentials(pair, certificates.ca.read_bytes(), require_client_auth=True))


def _line(target, tls=None, timeout=8.0):
    """What both clients' calls end with."""
    with GeneratorClient(target, "tiny", timeout, tls=tls) as client, pytest.raises(ClientError) as caught:
        client.status()

    async def call():
        async with AsyncGeneratorClient(target, "tiny", timeout, tls=tls) as client:
            await client.status()

    with pytest.raises(ClientError) as awaited:
        asyncio.run(call())
    assert str(awaited.value) == str(caught.value)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_mutual_tls_works(mutual, certificates):
    mine = (certificates.ca, certificates.client_cert, certificates.client_key)
    for tls in (ClientTls(*mine), ClientTls(*mine, server_name="localhost")):
        with GeneratorClient(mutual, "tiny", tls=tls) as client:
            assert client.status()[0].version == 1


def test_plain_against_tls(secured):
    assert f"{secured} wants TLS: give the certificate of its authority" in _line(secured)


def test_plain_against_mutual_tls(mutual):
    assert f"{mutual} wants TLS and a certificate of the client's" in _line(mutual)


def test_tls_against_plain(plain, certificates):
    assert "the server speaks gRPC without TLS: leave TLS out" in _line(plain, ClientTls(certificates.ca))


def test_a_strangers_certificate(secured, strangers):
    assert "its certificate isn't signed by an authority trusted here" in _line(secured, ClientTls(strangers.ca))
    assert "its certificate isn't signed by an authority trusted here" in _line(secured, ClientTls())


def test_a_certificate_for_another_name(secured, certificates):
    tls = ClientTls(certificates.ca, server_name="other.example")
    assert "its certificate is made out to another name" in _line(secured, tls)


def test_no_certificate_of_the_clients_or_a_strangers(mutual, certificates, strangers):
    says = "it wants a certificate of the client's that its authority signed"
    assert says in _line(mutual, ClientTls(certificates.ca))
    assert says in _line(mutual, ClientTls(certificates.ca, strangers.client_cert, strangers.client_key))


def test_the_rest_port(base, certificates):
    with GeneratorServer(base, "tiny", port=0, rest_port=0) as server:
        port = server.rest_target
        says = f"{port} does not speak gRPC: name the gRPC port (8500 by default), not the REST port"
        assert _line(port) == says
        assert _line(port, ClientTls(certificates.ca)) == says


def test_another_web_server():
    web = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Quiet)
    threading.Thread(target=web.serve_forever, daemon=True).start()
    assert "does not speak gRPC" in _line(f"127.0.0.1:{web.server_port}")
    web.shutdown()
    web.server_close()


class _Quiet(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass


def test_a_grpc_server_that_is_no_model_server():
    server = grpc.server(ThreadPoolExecutor(1))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    assert "answers, but is no model server (Method not found!)" in _line(f"127.0.0.1:{port}")
    server.stop(0)


def test_nothing_listens():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        target = f"127.0.0.1:{probe.getsockname()[1]}"
    assert _line(target) == (
        f"no model server answers on {target}, nothing listens there: start one with `forger serve`, or check the address"
    )


def test_a_name_that_nobody_knows():
    assert "no-such-host.invalid:8500 is not known to the name service" in _line("no-such-host.invalid:8500")


def test_a_port_that_says_nothing():
    with socket.create_server(("127.0.0.1", 0), backlog=64) as silent:
        says = "says nothing: check that it is a model server's gRPC port"
        assert says in _line(f"127.0.0.1:{silent.getsockname()[1]}", timeout=0.5)


def test_a_connection_cut_in_the_middle(plain):
    proxy = TcpProxy(plain, cut_after=100)
    line = _line(proxy.target)
    assert f"the connection to {proxy.target} was cut" in line
    assert "TLS" not in line
    proxy.stop()


def test_a_slow_answer_is_not_taken_for_a_wrong_address():
    service = FakeModelService(seconds=2)
    assert _line(service.target, timeout=0.5) == (
        f"{service.target} did not answer within 0.5 s: ask for fewer rows or allow more time"
    )
    service.stop()
