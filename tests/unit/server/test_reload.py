"""A reload while clients call: what it cannot replace is served all along."""

import shutil
import threading

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tensorflow_serving.apis import model_management_pb2, model_service_pb2_grpc

from serving.client import ClientError, GeneratorClient
from serving.repository import contract
from serving.saved_model.servable import Servable


@pytest.fixture
def broken(base, tiny):
    """A model whose only version fails as it is warmed up."""
    shutil.copytree(tiny, base.parent / "broken" / "1")
    (base.parent / "broken" / "1" / contract.WARMUP_FILE).write_bytes(b"not a record")
    return base.parent / "broken"


@pytest.fixture
def held(monkeypatch):
    """Hold up loads: an event that says one is under way, and one that lets it go on."""
    entered, go_on, warm_up = threading.Event(), threading.Event(), Servable.warm_up
    go_on.set()
    monkeypatch.setattr(Servable, "warm_up", lambda servable: (entered.set(), go_on.wait(), warm_up(servable))[2])
    yield entered, go_on
    go_on.set()


@pytest.fixture
def server(base, start):
    return start(base)


@pytest.fixture
def client(server):
    with GeneratorClient(server.target, "tiny", timeout=30) as client:
        yield client


@pytest.fixture
def channel(server):
    with grpc.insecure_channel(server.target) as channel:
        yield channel


def _model(directory, name, versions=()):
    policy = {"model_version_policy": {"specific": {"versions": versions}}} if versions else {}
    return {"name": name, "base_path": str(directory), "model_platform": "tensorflow", **policy}


def _reload(channel, *models):
    request = model_management_pb2.ReloadConfigRequest()
    for model in models:
        request.config.model_config_list.config.add(**model)
    return model_service_pb2_grpc.ModelServiceStub(channel).HandleReloadConfigRequest.future(request, timeout=120)


def _health(channel, service=""):
    return health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(service=service), timeout=30).status


def _problems(client, channel, under_way):
    """Draw and look at health until a call is over; what went wrong meanwhile."""
    problems = []
    while not under_way.done():
        try:
            client.at(version=1).sample([1], [4])
        except ClientError as error:
            problems.append(str(error))
        if _health(channel) != health_pb2.HealthCheckResponse.SERVING:
            problems.append("health")
    return problems


def test_a_refused_reload_never_stops_what_it_omits(client, channel, broken, held):
    entered, go_on = held
    entered.clear()
    go_on.clear()
    reload = _reload(channel, _model(broken, "broken"))
    entered.wait()
    for _ in range(3):  # while the new one loads
        assert client.sample([1], [4])[1].tolist() == [4]
        assert _health(channel) == health_pb2.HealthCheckResponse.SERVING
    go_on.set()
    assert _problems(client, channel, reload) == []
    assert reload.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert "did not become available: {broken" in reload.details()
    assert client.sample([1], [4])[1].tolist() == [4]
    with GeneratorClient(client.target, "broken") as other, pytest.raises(ClientError, match="Could not find any versions"):
        other.status()


def test_a_refused_reload_leaves_the_versions_of_what_it_lists(client, channel, base, other, broken):
    shutil.copytree(other, base.parent / "staging")
    base_versions = base.parent / "staging"
    reload = _reload(channel, _model(base, "tiny", versions=[1]))
    assert reload.code() is grpc.StatusCode.OK
    base_versions.rename(base / "2")
    refused = _reload(channel, _model(base, "tiny", versions=[2]), _model(broken, "broken"))
    assert _problems(client, channel, refused) == []
    assert refused.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert [status.version for status in client.status()] == [1]


def test_a_reload_hands_over_at_once(client, channel, base, tiny, held):
    """The old model answers until the new one does, and health knows the new one as soon as the caller does."""
    entered, go_on = held
    shutil.copytree(tiny, base.parent / "next" / "7")
    entered.clear()
    go_on.clear()
    reload = _reload(channel, _model(base.parent / "next", "next"))
    entered.wait()
    assert client.sample([1], [4])[1].tolist() == [4]
    go_on.set()
    assert reload.code() is grpc.StatusCode.OK
    with GeneratorClient(client.target, "next", timeout=30) as other:
        assert other.sample([1], [4])[1].tolist() == [4]
    assert _health(channel, "next") == health_pb2.HealthCheckResponse.SERVING
    assert _health(channel) == health_pb2.HealthCheckResponse.SERVING
    with pytest.raises(ClientError, match="Servable not found"):
        client.sample([1], [4])
