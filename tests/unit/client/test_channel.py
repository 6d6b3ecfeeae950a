"""How the client reaches servers: what is tried again, several servers, sockets, limits; against real gRPC servers."""

import math

import grpc
import pytest

from serving.client import ClientError, ClientTls, GeneratorClient, contract
from tests.support.fake_model_service import FakeModelService


@pytest.fixture
def fake():
    servers = []

    def begin(**how):
        servers.append(FakeModelService(**how))
        return servers[-1]

    yield begin
    for server in servers:
        server.stop()


def _versions(target, **how):
    with GeneratorClient(target, "tiny", **{"timeout": 20, **how}) as client:
        return [one.version for one in client.status()]


def test_unavailable_is_tried_again(fake):
    server = fake(failures=3)
    assert _versions(server.target) == [1]
    assert server.calls == 4


def test_a_server_that_stays_unavailable_is_given_up_after_five_tries(fake):
    server = fake(failures=100)
    with pytest.raises(ClientError, match=r"is unavailable \(going down\): try again") as caught:
        _versions(server.target)
    assert (server.calls, caught.value.code) == (5, "UNAVAILABLE")


@pytest.mark.parametrize("code", [grpc.StatusCode.INTERNAL, grpc.StatusCode.INVALID_ARGUMENT])
def test_what_may_have_begun_or_can_never_work_is_not_tried_again(fake, code):
    server = fake(failures=100, code=code)
    with pytest.raises(ClientError, match=rf"refused the request \({code.name}\): going down"):
        _versions(server.target)
    assert server.calls == 1


def test_a_server_that_loads_is_waited_for(fake):
    server = fake(failures=12, details=contract.STILL_LOADING)
    assert _versions(server.target, timeout=60) == [1]
    assert server.calls == 13


def test_calls_go_in_turn_to_all_servers(fake):
    servers = [fake(version=1), fake(version=2), fake(version=3)]
    target = "ipv4:" + ",".join(server.target for server in servers)
    with GeneratorClient(target, "tiny", timeout=20) as client:
        seen = {client.status()[0].version for _ in range(300)}
        assert seen == {1, 2, 3}
        servers[0].stop()
        assert {client.status()[0].version for _ in range(60)} == {2, 3}  # and no call fails


def test_a_unix_socket(fake, tmp_path):
    assert _versions(fake(version=5, address=f"unix:{tmp_path}/s").target) == [5]
    with pytest.raises(ClientError, match=r"no model server answers on unix:.*/nothing, nothing listens there"):
        _versions(f"unix:{tmp_path}/nothing", timeout=2)


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ({"timeout": math.nan}, "timeout is nan: give a positive number of seconds"),
        ({"timeout": 0}, "timeout is 0: give a positive number"),
        ({"timeout": math.inf}, "timeout is inf: give a positive number"),
        ({"timeout": None}, "timeout is None: give a positive number"),
        ({"chunk_rows": 0}, "chunk_rows is 0: give at least 1 row"),
        ({"chunk_rows": 2.5}, "chunk_rows is 2.5: give at least 1 row"),
        ({"version": 0}, "version is 0: versions are numbers from 1"),
        ({"version": 2**63}, "version is 9223372036854775808: versions are numbers from 1"),
        ({"version": 1, "label": "stable"}, "a version or for a label, not for both"),
    ],
)
def test_limits_that_make_no_sense(how, says):
    with pytest.raises(ClientError, match=says):
        GeneratorClient("127.0.0.1:8500", "tiny", **how)


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("http://127.0.0.1:8501", r"is a URL: write the gRPC port's HOST:PORT, without http://"),
        ("https://example.org", r"is a URL: .*without https://, and ask for TLS \(ClientTls\(\), or --tls\)"),
        ("grpc://127.0.0.1:8500", "is a URL: .*without grpc://"),
        ("127.0.0.1:99999", "has no port from 1 to 65535"),
        ("127.0.0.1:0", "has no port from 1 to 65535"),
        ("127.0.0.1:grpc", "has no port from 1 to 65535"),
        ("127.0.0.1:", "has no port from 1 to 65535"),
        ("127.0.0.1:8500/v1", "has no port from 1 to 65535"),
        ("127.0.0.1", "'127.0.0.1' is no address: write HOST:PORT"),
        ("::1", "'::1' is no address: write HOST:PORT"),
        ("", "'' is no address: write HOST:PORT"),
        ("two words:8500", "is no address: write HOST:PORT"),
        ("ipv4:127.0.0.1:8500,127.0.0.2", "is no address: write HOST:PORT"),
        ("dns:///example.org", "is no address: write HOST:PORT"),
        ("unix:", "unix: names no socket: write unix:PATH"),
    ],
)
def test_addresses_that_are_none(target, says):
    with pytest.raises(ClientError, match=says):
        GeneratorClient(target, "tiny")


@pytest.mark.parametrize(
    "target", ["host:1", "a-b.example.org:65535", "[::1]:8500", "dns:///h:1", "dns:h:1", "ipv6:[::1]:1,[::2]:2", "unix:///tmp/s"]
)
def test_addresses(target):
    GeneratorClient(target, "tiny").close()


def test_tls_files_that_cannot_be_used(tmp_path):
    with pytest.raises(ClientError, match=r"cannot read .*nothing\.pem: No such file"):
        GeneratorClient("127.0.0.1:1", "tiny", tls=ClientTls(tmp_path / "nothing.pem"))
    with pytest.raises(ClientError, match="certificate and its key"):
        GeneratorClient("127.0.0.1:1", "tiny", tls=ClientTls(cert=tmp_path / "client.pem"))
