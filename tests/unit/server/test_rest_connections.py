"""The HTTP port under peers that are slow, idle or too many: everybody else is answered."""

import contextlib
import logging
import os
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from serving.server.rest.connections import Limits
from serving.server.rest.thread import RestThread
from serving.server.tls import Tls
from tests.support.certificates import make_certificates
from tests.support.waiting import wait_until

_LARGE = 32 * 2**20


async def _size(request: Request) -> Response:
    try:
        return PlainTextResponse(str(len(await request.body())))
    except ClientDisconnect:
        return PlainTextResponse("")


def _app() -> Starlette:
    return Starlette(routes=[
        Route("/", lambda _: PlainTextResponse("here")),
        Route("/size", _size, methods=["POST"]),
        Route("/large", lambda _: PlainTextResponse("x" * _LARGE)),
    ])  # fmt: skip


@contextlib.contextmanager
def _serving(tls: Tls | None = None, **limits: Any) -> Iterator[int]:
    rest = RestThread("127.0.0.1", 0, tls)
    rest.start(_app(), Limits(**limits))
    try:
        yield rest.port
    finally:
        rest.stop(5)


def _connect(port: int, sent: bytes = b"") -> socket.socket:
    opened = socket.create_connection(("127.0.0.1", port), timeout=10)
    opened.sendall(sent)
    return opened


def _is_closed(opened: socket.socket) -> bool:
    opened.settimeout(0.01)
    try:
        return opened.recv(1) == b""
    except TimeoutError:
        return False
    except ConnectionError:
        return True


def _get(port: int, path: str = "/") -> str:
    return httpx.get(f"http://127.0.0.1:{port}{path}", trust_env=False, timeout=20).text


def test_idle_connections_shut_nobody_out(caplog: pytest.LogCaptureFixture) -> None:
    with _serving(connections=50) as port, contextlib.ExitStack() as held, caplog.at_level(logging.WARNING):
        idle = [held.enter_context(_connect(port)) for _ in range(520)]
        assert [_get(port) for _ in range(5)] == ["here"] * 5
        wait_until(lambda: sum(map(_is_closed, idle)) >= 470)
        assert not _is_closed(idle[-1])
    assert [record.getMessage() for record in caplog.records] == [
        "50 HTTP connections are open: those that have waited longest are closed for new ones"
    ]


def test_a_pooled_client_outlives_a_flood_of_idle_ones() -> None:
    with _serving(connections=20) as port, contextlib.ExitStack() as held:
        pooled = held.enter_context(httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False))
        first = pooled.get("/").extensions["network_stream"].get_extra_info("client_addr")
        for _ in range(100):
            held.enter_context(_connect(port))
        assert _get(port) == "here"
        assert pooled.get("/").extensions["network_stream"].get_extra_info("client_addr") == first


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nhost:", b"GET / HTTP/1.1\r\nhost: a\r\n\r\nGET / HT"])
def test_headers_that_never_end_are_closed(sent: bytes) -> None:
    with _serving(headers_seconds=0.5) as port, _connect(port, sent) as opened:
        if sent.endswith(b"GET / HT"):
            assert opened.recv(4096).startswith(b"HTTP/1.1 200")
        assert not _is_closed(opened)
        wait_until(lambda: _is_closed(opened))
        assert _get(port) == "here"


def test_headers_that_trickle_are_closed_too() -> None:
    with _serving(headers_seconds=1) as port, _connect(port, b"GET / HTTP/1.1\r\nx: ") as opened:
        began = time.monotonic()
        with pytest.raises(ConnectionError):
            while time.monotonic() - began < 20:
                opened.sendall(b"x")
                time.sleep(0.05)


@pytest.mark.parametrize("path", [b"/size", b"/"])  # `/` answers at once: POST isn't among its methods
def test_bodies_that_never_end_are_closed(path: bytes) -> None:
    with _serving(headers_seconds=1, body_seconds=1) as port:
        with _connect(port, b"POST %s HTTP/1.1\r\nhost: a\r\ncontent-length: 1000000\r\n\r\n" % path) as opened:
            began = time.monotonic()
            with pytest.raises(ConnectionError):
                while time.monotonic() - began < 20:
                    opened.sendall(b"x")
                    time.sleep(0.05)
        assert _get(port) == "here"


def test_answers_that_nobody_reads_are_dropped() -> None:
    with _serving(unread_seconds=1) as port, _connect(port, b"GET /large HTTP/1.1\r\nhost: a\r\n\r\n") as opened:
        time.sleep(3)
        opened.settimeout(10)
        read = 0
        with contextlib.suppress(ConnectionError):
            while piece := opened.recv(2**20):
                read += len(piece)
        assert 0 < read < _LARGE


def test_a_slow_reader_gets_all_of_an_answer() -> None:
    with _serving(unread_seconds=2) as port, _connect(port, b"GET /large HTTP/1.1\r\nhost: a\r\n\r\n") as opened:
        read, until = 0, time.monotonic() + 4
        while read < _LARGE:
            read += len(opened.recv(2**20))
            if time.monotonic() < until:
                time.sleep(0.2)
        assert read >= _LARGE


def test_a_slow_upload_within_the_limits_is_read() -> None:
    with (
        _serving(headers_seconds=1) as port,
        _connect(port, b"POST /size HTTP/1.1\r\nhost: a\r\ncontent-length: 20\r\n\r\n") as opened,
    ):
        for _ in range(20):
            opened.sendall(b"x")
            time.sleep(0.1)
        assert opened.recv(4096).endswith(b"20")


def test_connections_rest_for_longer_than_those_of_pools() -> None:
    assert Limits().keep_alive_seconds >= 75
    with _serving(headers_seconds=0.5, body_seconds=0.5, unread_seconds=0.5) as port, _connect(port) as opened:
        for _ in range(2):
            opened.settimeout(20)
            opened.sendall(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
            answer = b""
            while not answer.endswith(b"here"):  # head and body may come apart
                answer += opened.recv(4096)
            assert answer.startswith(b"HTTP/1.1 200")
            time.sleep(2)


def test_tls_handshakes_that_never_come_shut_nobody_out(tmp_path: Path) -> None:
    made = make_certificates(tmp_path)
    context = ssl.create_default_context(cafile=made.ca)
    tls = Tls(made.server_cert, made.server_key)
    with _serving(tls, connections=20, headers_seconds=2) as port, contextlib.ExitStack() as held:
        idle = [held.enter_context(_connect(port)) for _ in range(60)]
        answer = httpx.get(f"https://127.0.0.1:{port}/", verify=context, trust_env=False, timeout=20)
        assert answer.text == "here"
        wait_until(lambda: all(map(_is_closed, idle)))


_SCRIPT = """
import logging, resource, sys
from tests.unit.server.test_rest_connections import _get, _serving
logging.basicConfig()
resource.setrlimit(resource.RLIMIT_NOFILE, (int(sys.argv[1]),) * 2)
with _serving(connections=int(sys.argv[2])) as port:
    _get(port)  # all modules are loaded
    if len(sys.argv) > 3:  # files that other parts of the process open meanwhile
        held = []
        try:
            while True: held.append(open("/dev/null"))
        except OSError:
            del held[-3:]
    print(port, flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("arguments", [("60", "1000"), ("60", "1000", "none left")])
def test_too_few_files_are_told_once_and_others_are_answered(arguments: tuple[str, ...]) -> None:
    pipe, root = subprocess.PIPE, str(Path(__file__).parents[3])
    command = [sys.executable, "-c", _SCRIPT, *arguments]
    with subprocess.Popen(
        command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, env={**os.environ, "PYTHONPATH": root}
    ) as process:
        assert process.stdout
        port = int(process.stdout.readline())
        with contextlib.ExitStack() as held:
            for _ in range(200):
                held.enter_context(_connect(port))
            assert _get(port) == "here"
            time.sleep(2)
        _, errors = process.communicate()
    assert errors.count("\n") == 1, errors[-2000:]
    assert "Traceback" not in errors
