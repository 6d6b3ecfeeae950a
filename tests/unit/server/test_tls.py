"""TLS and mutual TLS on both ports."""

import ssl

import grpc
import httpx
import pytest
from tensorflow_serving.apis import get_model_status_pb2, model_service_pb2_grpc

from serving.repository.errors import UserError
from serving.server.app import GeneratorServer
from serving.server.tls import Tls
from tests.support.certificates import make_certificates


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def others(tmp_path_factory):
    """Of another authority."""
    return make_certificates(tmp_path_factory.mktemp("others"))


def _status(target, credentials):
    request = get_model_status_pb2.GetModelStatusRequest()
    request.model_spec.name = "tiny"
    opened = grpc.secure_channel(target, credentials) if credentials else grpc.insecure_channel(target)
    with opened as channel:
        return model_service_pb2_grpc.ModelServiceStub(channel).GetModelStatus(request, timeout=10).model_version_status


def _credentials(trusted, own=None):
    files = (own.client_key.read_bytes(), own.client_cert.read_bytes()) if own else (None, None)
    return grpc.ssl_channel_credentials(trusted.ca.read_bytes(), *files)


def _web(server, trusted, own=None):
    context = ssl.create_default_context(cafile=trusted.ca)
    if own:
        context.load_cert_chain(own.client_cert, own.client_key)
    return httpx.get(f"https://{server.rest_target}/v1/models/tiny", verify=context, trust_env=False)


def test_tls(base, certificates, others):
    tls = Tls(certificates.server_cert, certificates.server_key)
    with GeneratorServer(base, "tiny", port=0, rest_port=0, tls=tls) as server:
        assert _status(server.target, _credentials(certificates))[0].version == 1
        assert _web(server, certificates).status_code == 200
        for credentials in (None, _credentials(others)):
            with pytest.raises(grpc.RpcError, match="UNAVAILABLE"):
                _status(server.target, credentials)
        with pytest.raises(httpx.ConnectError, match="certificate"):
            _web(server, others)


def test_mutual_tls(base, certificates, others):
    tls = Tls(certificates.server_cert, certificates.server_key, client_ca=certificates.ca)
    with GeneratorServer(base, "tiny", port=0, rest_port=0, tls=tls) as server:
        assert _status(server.target, _credentials(certificates, certificates))[0].version == 1
        assert _web(server, certificates, certificates).status_code == 200
        for own in (None, others):
            with pytest.raises(grpc.RpcError, match="UNAVAILABLE"):
                _status(server.target, _credentials(certificates, own))
            with pytest.raises(httpx.TransportError):
                _web(server, certificates, own)


def test_the_gallery_draws_although_the_grpc_port_asks_for_certificates(base, certificates):
    tls = Tls(certificates.server_cert, certificates.server_key, client_ca=certificates.ca)
    context = ssl.create_default_context(cafile=certificates.ca)
    context.load_cert_chain(certificates.client_cert, certificates.client_key)
    with GeneratorServer(base, "tiny", port=0, rest_port=0, tls=tls) as server:
        from serving.client import GeneratorClient

        with GeneratorClient(server.gallery_target, "tiny", timeout=30) as client:
            assert client.sample([1], [4])[1].tolist() == [4]


@pytest.mark.parametrize(
    ("cert", "key", "client_ca"),
    [("no.pem", "server.key", None), ("server.pem", "client.key", None), ("server.key", "server.key", None),
     ("server.pem", "server.key", "ca.key")],
)  # fmt: skip
def test_files_that_are_wrong_end_in_one_line(base, certificates, cert, key, client_ca):
    directory = certificates.ca.parent
    tls = Tls(directory / cert, directory / key, client_ca and directory / client_ca)
    with pytest.raises(UserError, match=r"^cannot use the TLS files .*; give PEM files") as caught:
        GeneratorServer(base, "tiny", port=0, tls=tls)
    assert "\n" not in str(caught.value)
