"""How the client reaches servers: retries, several servers, TLS; against real gRPC servers that misbehave on purpose."""

import ipaddress
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from tensorflow_serving.apis import get_model_status_pb2

from serving.client import ClientTls, GeneratorClient
from serving.client.errors import ClientError
from serving.repository import contract


class Fake:
    """A model service that fails a number of times before it answers that version `version` is available."""

    def __init__(self, version=1, failures=0, code=grpc.StatusCode.UNAVAILABLE, details="going down", credentials=None) -> None:
        self.calls, self._version = 0, version
        self._failures, self._code, self._details = failures, code, details
        self._lock = threading.Lock()
        self._server = grpc.server(ThreadPoolExecutor(4), options=[("grpc.so_reuseport", 0)])
        handler = grpc.unary_unary_rpc_method_handler(
            self._status, get_model_status_pb2.GetModelStatusRequest.FromString, lambda answer: answer.SerializeToString()
        )
        self._server.add_generic_rpc_handlers(
            [grpc.method_handlers_generic_handler(contract.MODEL_SERVICE, {"GetModelStatus": handler})]
        )
        address = "127.0.0.1:0"
        self.port = self._server.add_secure_port(address, credentials) if credentials else self._server.add_insecure_port(address)
        self._server.start()

    def _status(self, _request, context):
        with self._lock:
            self.calls += 1
            fails = self.calls <= self._failures
        if fails:
            context.abort(self._code, self._details)
        answer = get_model_status_pb2.GetModelStatusResponse()
        answer.model_version_status.add(version=self._version, state=get_model_status_pb2.ModelVersionStatus.AVAILABLE)
        return answer

    @property
    def target(self):
        return f"127.0.0.1:{self.port}"

    def stop(self):
        self._server.stop(0).wait()


@pytest.fixture
def fake():
    servers = []

    def begin(**how):
        servers.append(Fake(**how))
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
    with pytest.raises(ClientError, match="no model server answers") as caught:
        _versions(server.target)
    assert (server.calls, caught.value.code) == (5, "UNAVAILABLE")


@pytest.mark.parametrize("code", [grpc.StatusCode.INTERNAL, grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.INVALID_ARGUMENT])
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


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """A CA, a server's and a client's certificate, and another CA, as PEM files."""
    directory = tmp_path_factory.mktemp("tls")
    ca, ca_key = _certificate(directory, "ca", None, None)
    _certificate(directory, "server", ca, ca_key)
    _certificate(directory, "client", ca, ca_key)
    _certificate(directory, "stranger", None, None)
    return directory


def _certificate(directory, name, issuer, issuer_key):
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    names = [x509.DNSName("generator.example"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names if name == "server" else names[:1]), critical=False)
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .sign(issuer_key or key, hashes.SHA256())
    )
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (directory / f"{name}.key").write_bytes(private)
    (directory / f"{name}.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return certificate, key


def test_mutual_tls(fake, certificates):
    pair = [((certificates / "server.key").read_bytes(), (certificates / "server.pem").read_bytes())]
    credentials = grpc.ssl_server_credentials(pair, (certificates / "ca.pem").read_bytes(), require_client_auth=True)
    server = fake(credentials=credentials)
    ca, mine = certificates / "ca.pem", (certificates / "client.pem", certificates / "client.key")
    assert _versions(server.target, tls=ClientTls(ca, *mine)) == [1]
    assert _versions(server.target, tls=ClientTls(ca, *mine, server_name="generator.example")) == [1]
    for wrong, line in (
        (ClientTls(certificates / "stranger.pem", *mine), "no TLS connection to .*check the certificates"),
        (ClientTls(ca, *mine, server_name="other.example"), "no TLS connection to .*check the certificates"),
        (ClientTls(ca), "wants TLS, and a certificate of the client's"),
        (None, "wants TLS"),
    ):
        with pytest.raises(ClientError, match=line):
            _versions(server.target, tls=wrong, timeout=10)
    assert server.calls == 2


def test_tls_files_that_cannot_be_used(tmp_path):
    with pytest.raises(ClientError, match=r"cannot read .*nothing\.pem: No such file"):
        GeneratorClient("127.0.0.1:1", "tiny", tls=ClientTls(tmp_path / "nothing.pem"))
    with pytest.raises(ClientError, match="certificate and its key"):
        GeneratorClient("127.0.0.1:1", "tiny", tls=ClientTls(cert=tmp_path / "client.pem"))
