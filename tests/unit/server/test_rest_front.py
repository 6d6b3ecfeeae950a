"""Whom an HTTP request was meant for, and what every answer carries."""

import re
import socket

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from serving.repository.errors import UserError
from serving.server.rest.front import behind_front
from serving.server.rest.origins import check_origins
from serving.server.rest.thread import RestThread


def _app(host: str = "127.0.0.1", origins: tuple[str, ...] = ()):
    return behind_front(Starlette(routes=[Route("/a b", lambda request: PlainTextResponse(request.url.query))]), host, origins)


@pytest.fixture
def port():
    rest = RestThread("127.0.0.1", 0, None)
    rest.start(_app())
    yield rest.port
    rest.stop(5)


def _raw(port: int, request: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as opened:
        opened.sendall(request)
        return b"".join(iter(lambda: opened.recv(65536), b""))


@pytest.mark.parametrize(
    ("target", "host", "status"),
    [
        (b"/a%20b?q", b"localhost:1", 200),
        (b"http://localhost:1/a%20b?q", b"localhost:1", 200),
        (b"HTTPS://127.0.0.1/a%20b?q", b"evil.example", 200),  # the target's own authority counts
        (b"http://evil.example/a%20b?q", b"localhost", 403),
        (b"http://localhost", b"localhost", 404),
        (b"//localhost/a%20b", b"localhost", 404),
    ],
)
def test_targets_in_both_forms(port: int, target: bytes, host: bytes, status: int) -> None:
    answer = _raw(port, b"GET %s HTTP/1.1\r\nhost: %s\r\nconnection: close\r\n\r\n" % (target, host))
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    if status == 200:
        assert answer.endswith(b"\r\n\r\nq")


@pytest.mark.parametrize(
    "request_",
    [
        b"GET /a%20b HTTP/1.1\r\nhost: localhost",
        b"GET / HTTP/1.1\r\nhost: localhost",
        b"GET / HTTP/1.1\r\nhost: evil",
        b"no HTTP",
    ],
)
def test_no_answers_type_is_guessed(port: int, request_: bytes) -> None:
    answer = _raw(port, request_ + b"\r\nconnection: close\r\n\r\n")
    assert len(re.findall(rb"x-content-type-options: nosniff\r\n", answer, re.IGNORECASE)) == 1


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:8501", "127.0.0.1:1", "127.9.9.9", "[::1]:80", "a.localhost", "localhost."]
)
def test_names_of_this_machine(host: str) -> None:
    assert TestClient(_app()).get("/a b", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8501", "10.0.0.1", "localhost.evil.example", "127.0.0.1.evil", "[::2]"]
)
def test_other_names_are_refused_where_only_this_machine_is_meant(host: str) -> None:
    refused = TestClient(_app()).get("/a b", headers={"host": host})
    assert refused.status_code == 403
    assert "bind another address with --host" in refused.json()["error"]
    assert TestClient(_app("0.0.0.0")).get("/a b", headers={"host": host}).status_code == 200


def test_no_origin_is_allowed_by_default() -> None:
    answer = TestClient(_app("0.0.0.0")).get("/a b", headers={"origin": "https://a.example"})
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("origin", ["example.org", "https://example.org/", "https://*.example.org", "null", ""])
def test_what_is_no_origin(origin: str) -> None:
    with pytest.raises(UserError, match="is no origin: give SCHEME://HOST"):
        check_origins([origin])
    assert check_origins(["*", "https://Example.org:1"]) == ("*", "https://example.org:1")
