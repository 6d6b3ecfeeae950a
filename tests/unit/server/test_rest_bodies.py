"""What bodies may cost: compressed ones, those with many values, and many large ones at once."""

import gzip
import json
import socket
import threading
import tracemalloc
import zlib
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from serving.server.app import GeneratorServer
from serving.server.requests.refusals import Refusal
from serving.server.rest import json_requests
from serving.server.rest.bodies import BodyRefused, BodyRoom
from tests.support.waiting import wait_until

_MIB = 2**20
_PREDICT = "/v1/models/tiny:predict"
_BODY = json.dumps({"signature_name": "sample", "inputs": {"seed": [1, 2], "label": [3, 4]}}).encode()


@pytest.fixture(scope="module")
def server(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GeneratorServer]:
    base = tmp_path_factory.mktemp("bodies") / "tiny"
    base.mkdir()
    (base / "1").symlink_to(tiny)
    with GeneratorServer(base, "tiny", port=0, rest_port=0, cors_origins=["https://friend.example"]) as running:
        yield running


@pytest.fixture(scope="module")
def web(server: GeneratorServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"http://{server.rest_target}", timeout=60, trust_env=False) as client:
        yield client


def test_gzip_bodies_are_read(web: httpx.Client) -> None:
    plain = web.post(_PREDICT, content=_BODY)
    packed = web.post(_PREDICT, content=gzip.compress(_BODY), headers={"content-encoding": "gzip"})
    assert (packed.status_code, packed.json()) == (200, plain.json())


@pytest.mark.parametrize(
    ("encoding", "body", "status", "reason"),
    [
        ("gzip", gzip.compress(b" " * 17 * _MIB, mtime=0), 413, "the body is larger than 16777216 bytes"),
        ("gzip", _BODY, 400, "the body is not gzip, although its Content-Encoding says so"),
        ("gzip", gzip.compress(_BODY, mtime=0)[:-9], 400, "the gzip body ends too early"),
        ("br", _BODY, 415, "Content-Encoding 'br' is not known: send the body as it is, or with gzip"),
        ("", gzip.compress(_BODY, mtime=0), 400, "JSON Parse error: not UTF-8 at offset: 1"),
    ],
)
def test_bodies_that_are_refused(web: httpx.Client, encoding: str, body: bytes, status: int, reason: str) -> None:
    answer = web.post(_PREDICT, content=body, headers={"content-encoding": encoding})
    assert (answer.status_code, answer.json()) == (status, {"error": reason})
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_bomb_costs_no_more_than_a_body() -> None:
    packer = zlib.compressobj(wbits=31)
    bomb = b"".join(packer.compress(bytes(_MIB)) for _ in range(256)) + packer.flush()
    room = BodyRoom(_MIB)
    tracemalloc.start()
    with room.share() as share, pytest.raises(BodyRefused, match="larger"):
        share.unpack(bomb)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 * _MIB


def test_all_bodies_together_are_bounded_and_small_ones_always_go() -> None:
    room = BodyRoom(_MIB, bodies=2)
    with room.share() as first, room.share() as second, room.share() as third:
        first.add(_MIB)
        second.add(_MIB)
        with pytest.raises(BodyRefused, match="too many large bodies at once"):
            third.add(_MIB)
        with room.share() as small:
            small.add(60_000)
    with room.share() as again, room.share() as other:
        again.add(_MIB)
        other.add(_MIB)


def test_endless_uploads_hold_little_and_others_are_answered(server: GeneratorServer, web: httpx.Client) -> None:
    host, _, port = (server.rest_target or "").partition(":")
    opened = [socket.create_connection((host, int(port)), timeout=10) for _ in range(10)]
    head = b"POST %s HTTP/1.1\r\nhost: localhost\r\ncontent-length: 16000000\r\n\r\n" % _PREDICT.encode()
    refused = []

    def upload(one: socket.socket) -> None:
        try:
            one.sendall(head)
            for _ in range(15):
                one.sendall(b" " * _MIB)
            one.settimeout(0.5)
            refused.append(b" 429 " in one.recv(100))
        except TimeoutError:
            return
        except ConnectionError:
            refused.append(True)

    threads = [threading.Thread(target=upload, args=[one]) for one in opened]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 6
    assert all(refused)
    assert web.post(_PREDICT, content=_BODY).status_code == 200
    for one in opened:
        one.close()
    wait_until(lambda: web.post(_PREDICT, content=b" " * 15 * _MIB + _BODY).status_code == 200)


@pytest.mark.parametrize("element", [b"{}", b"[]", b'{"a":0}', b"[0]", b"1.5"])
def test_many_values_are_refused_before_they_are_made(element: bytes) -> None:
    most = 16 * _MIB
    body = b'{"instances":[' + b",".join([element] * (4 * _MIB // (len(element) + 1))) + b"]}"
    tracemalloc.start()
    with pytest.raises(Refusal, match="too many values"):
        json_requests.parse(body, most)
    _, peak = tracemalloc.get_traced_memory()
    # What goes through takes no more than was said.
    allowed = b'{"instances":[' + b",".join([element] * (most // 360)) + b"]}"
    tracemalloc.reset_peak()
    json_requests.parse(allowed, most)
    _, parsed = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < _MIB
    assert parsed < most + 2 * len(allowed)


def test_the_largest_request_of_images_goes_through() -> None:
    latents = json.dumps({"instances": [{"latent": [-1.2345678901234567] * 128, "label": 7}] * 1024}).encode()
    assert len(json_requests.parse(latents, 64 * _MIB).document["instances"]) == 1024


@pytest.mark.parametrize(
    "body", [b"[" * 100_000, b'{"a":' * 100_000, b'{"inputs":' + b"[" * 900 + b"]" * 900 + b"}", b"1" * 5000]
)
def test_no_error_of_python_is_named(web: httpx.Client, body: bytes) -> None:
    answer = web.post(_PREDICT, content=body)
    assert answer.status_code == 400
    assert "Error" not in answer.json()["error"].replace("JSON Parse error", "")


def test_answers_are_compressed_where_asked_for(web: httpx.Client) -> None:
    bodies = []
    for encoding in ("identity", "gzip"):
        with web.stream("POST", _PREDICT, content=_BODY, headers={"accept-encoding": encoding}) as answer:
            raw = b"".join(answer.iter_raw())
            assert answer.headers.get("content-encoding", "identity") == encoding
            assert "accept-encoding" in answer.headers["vary"].lower()
            bodies.append(raw)
    assert gzip.decompress(bodies[1]) == bodies[0]
    assert len(bodies[1]) < len(bodies[0])
    page = web.get("/", headers={"accept-encoding": "gzip"})
    assert page.headers["content-encoding"] == "gzip"


def test_pages_of_named_origins_may_use_it(web: httpx.Client) -> None:
    asking = {"access-control-request-method": "POST", "access-control-request-headers": "content-type"}
    friend = web.options(_PREDICT, headers={"origin": "https://friend.example", **asking})
    assert (friend.status_code, friend.headers["access-control-allow-origin"]) == (200, "https://friend.example")
    answer = web.post(_PREDICT, content=_BODY, headers={"origin": "https://friend.example"})
    assert answer.headers["access-control-allow-origin"] == "https://friend.example"
    stranger = web.post(_PREDICT, content=_BODY, headers={"origin": "https://stranger.example"})
    assert "access-control-allow-origin" not in stranger.headers
