"""Policies, labels and models.config: which versions are served, and what a reload may change."""

import shutil

import grpc
import pytest
from tensorflow_serving.apis import (
    get_model_status_pb2,
    model_management_pb2,
    model_service_pb2_grpc,
    prediction_service_pb2_grpc,
)

from serving.repository import contract
from serving.repository.errors import UserError
from serving.server.app import GeneratorServer
from serving.server.models.model_config import VersionPolicy
from serving.server.options import ServerOptions
from tests.support.predict_requests import predict_request
from tests.support.waiting import wait_until


@pytest.fixture
def base(tiny, tmp_path):
    """A model base named as the model, with versions 1 to 3."""
    for version in (1, 2, 3):
        shutil.copytree(tiny, tmp_path / "serving" / "tiny" / str(version))
    return tmp_path / "serving" / "tiny"


@pytest.fixture
def run():
    """Start a server of a base; gives what its clients need."""
    servers, channels = [], []

    def begin(base, **options):
        server = GeneratorServer(base, "tiny", port=0, options=ServerOptions(poll_seconds=0.05, retry_seconds=0.2), **options)
        servers.append(server)
        server.start()
        channels.append(grpc.insecure_channel(server.target))
        return _Client(channels[-1])

    yield begin
    for channel in channels:
        channel.close()
    for server in servers:
        server.stop(0)


class _Client:
    def __init__(self, channel):
        self._predict = prediction_service_pb2_grpc.PredictionServiceStub(channel).Predict
        self._models = model_service_pb2_grpc.ModelServiceStub(channel)

    def version(self, label=None, number=None, name="tiny"):
        """The version that answers."""
        request = predict_request(name)
        if label is not None:
            request.model_spec.version_label = label
        if number is not None:
            request.model_spec.version.value = number
        return self._predict(request, timeout=30).model_spec.version.value

    def states(self, name="tiny"):
        request = get_model_status_pb2.GetModelStatusRequest()
        request.model_spec.name = name
        state = get_model_status_pb2.ModelVersionStatus.State.Name
        return {one.version: state(one.state) for one in self._models.GetModelStatus(request, timeout=30).model_version_status}

    def available(self, name="tiny"):
        return sorted(version for version, state in self.states(name).items() if state == "AVAILABLE")

    def reload(self, *configs):
        request = model_management_pb2.ReloadConfigRequest()
        request.config.model_config_list.SetInParent()
        for config in configs:
            request.config.model_config_list.config.add(**config)
        return self._models.HandleReloadConfigRequest(request, timeout=60)


def _write(base, versions, labels=None, name="tiny"):
    entries = "".join(f"versions: {version} " for version in versions)
    pairs = "".join(f'version_labels {{ key: "{label}" value: {version} }} ' for label, version in (labels or {}).items())
    (base.parent / contract.MODELS_CONFIG_FILE).write_text(
        f'model_config_list {{ config {{ name: "{name}" base_path: "/elsewhere" model_platform: "tensorflow" '
        f"model_version_policy {{ specific {{ {entries} }} }} {pairs} }} }}"
    )


def _refused(code, message, call, *arguments, **named):
    with pytest.raises(grpc.RpcError) as caught:
        call(*arguments, **named)
    assert caught.value.code() is code
    assert message in caught.value.details()


@pytest.mark.parametrize(
    ("policy", "served"),
    [("latest", [3]), ("latest:2", [2, 3]), ("latest:9", [1, 2, 3]), ("all", [1, 2, 3]), ("specific:1,3", [1, 3])],
)
def test_policies(base, run, policy, served):
    client = run(base, policy=VersionPolicy.parse(policy))
    assert client.available() == served
    assert client.version() == max(served)
    assert [client.version(number=version) for version in served] == served


@pytest.mark.parametrize("text", ["", "newest", "latest:x", "latest:0", "latest:1,2", "all:1", "specific", "specific:-1"])
def test_a_policy_that_is_none(text):
    with pytest.raises(UserError, match="is not a version policy: give `latest`"):
        VersionPolicy.parse(text)


def test_labels_given_by_hand(base, run):
    _write(base, [1])  # does not count: the operator said otherwise
    client = run(base, policy=VersionPolicy.parse("all"), labels={"stable": 2, "canary": 3})
    assert (client.version("stable"), client.version("canary"), client.version()) == (2, 3, 3)
    _refused(grpc.StatusCode.INVALID_ARGUMENT, "Unrecognized servable version label: x", client.version, "x")


def test_models_config_decides_and_is_polled(base, run):
    _write(base, [1, 2], {"stable": 2, "previous": 1})
    client = run(base)
    assert client.available() == [1, 2]
    assert (client.version(), client.version("previous")) == (2, 1)
    _write(base, [1, 3], {"stable": 1, "canary": 3})
    wait_until(lambda: client.available() == [1, 3])
    assert (client.version("stable"), client.version("canary"), client.version()) == (1, 3, 3)
    _refused(grpc.StatusCode.INVALID_ARGUMENT, "Unrecognized", client.version, "previous")
    (base.parent / contract.MODELS_CONFIG_FILE).unlink()
    wait_until(lambda: client.available() == [3])


def test_a_broken_models_config_changes_nothing_and_is_reported_once(base, run, caplog):
    _write(base, [1, 2], {"stable": 2})
    client = run(base)
    (base.parent / contract.MODELS_CONFIG_FILE).write_text("model_config_list { config {")
    wait_until(lambda: "is not a ModelServerConfig" in caplog.text)
    assert (client.version("stable"), client.available()) == (2, [1, 2])
    _write(base, [3], {"stable": 3})
    wait_until(lambda: client.available() == [3])
    assert caplog.text.count("is not a ModelServerConfig") == 1


def test_a_label_moves_when_its_version_is_there(base, tiny, run):
    _write(base, [3], {"stable": 3})
    client = run(base)
    _write(base, [4], {"stable": 4})
    wait_until(lambda: client.version("stable") == 3)
    shutil.copytree(tiny, base / ".staging")
    (base / ".staging").rename(base / "4")
    wait_until(lambda: client.available() == [4])
    assert client.version("stable") == 4


def test_reload(base, run):
    client = run(base)
    config = {"name": "tiny", "base_path": str(base), "model_platform": "tensorflow"}
    specific = {"specific": {"versions": [1, 2]}}
    refuse = (grpc.StatusCode.FAILED_PRECONDITION, "Request to assign label to version 2 of model tiny, which is not currently")
    _refused(*refuse, client.reload, config | {"model_version_policy": specific, "version_labels": {"stable": 2}})
    assert client.available() == [3]
    assert client.reload(config | {"model_version_policy": specific}).status.error_code == 0
    wait_until(lambda: client.available() == [1, 2])
    client.reload(config | {"model_version_policy": specific, "version_labels": {"stable": 1}})
    assert (client.version("stable"), client.version()) == (1, 2)


def test_reload_adds_and_removes_models(base, tiny, run):
    other = base.parent / "other"
    shutil.copytree(tiny, other / "7")
    client = run(base)
    first, second = ({"name": path.name, "base_path": str(path), "model_platform": "tensorflow"} for path in (base, other))
    client.reload(first, second)
    assert (client.version(), client.version(name="other")) == (3, 7)
    client.reload(second)
    _refused(grpc.StatusCode.NOT_FOUND, "Servable not found for request: Latest(tiny)", client.version)
    assert client.version(name="other") == 7


def test_a_reload_that_cannot_be_done_changes_nothing(base, run, tmp_path):
    client = run(base)
    config = {"name": "tiny", "base_path": str(base), "model_platform": "tensorflow"}
    empty = base.parent / "empty"
    empty.mkdir()
    invalid = grpc.StatusCode.INVALID_ARGUMENT
    _refused(invalid, "Illegal to list model tiny multiple times", client.reload, config, config)
    _refused(invalid, "to have an absolute path or URI", client.reload, config | {"base_path": "tiny"})
    _refused(invalid, "requests unsupported platform x", client.reload, config | {"model_platform": "x"})
    outside = config | {"name": "x", "base_path": str(base.parent / ".." / ".." / "x")}
    _refused(grpc.StatusCode.PERMISSION_DENIED, "must lie in", client.reload, outside)
    new = config | {"name": "empty", "base_path": str(empty)}
    _refused(grpc.StatusCode.FAILED_PRECONDITION, "did not become available: {empty", client.reload, config, new)
    assert client.version() == 3
    _refused(grpc.StatusCode.NOT_FOUND, "Could not find any versions of model empty", client.states, "empty")


def test_a_models_config_of_several_models(base, tiny, run):
    shutil.copytree(tiny, base.parent / "other" / "7")
    file = base.parent / "all.config"
    entries = "".join(
        f'config {{ name: "{name}" base_path: "{name}" model_platform: "tensorflow" }}' for name in ("tiny", "other")
    )
    file.write_text(f"model_config_list {{ {entries} }}")
    client = run(base, models_file=file)
    assert (client.version(), client.version(name="other")) == (3, 7)


@pytest.mark.parametrize(
    ("content", "says"),
    [(None, "there is no such file"), ("?", "is not a ModelServerConfig"), ("model_config_list {}", "it lists no model")],
)
def test_a_models_file_that_is_wrong(base, content, says):
    file = base.parent / "wrong.config"
    if content is not None:
        file.write_text(content)
    with pytest.raises(UserError, match=says):
        GeneratorServer(base, "tiny", port=0, models_file=file)
