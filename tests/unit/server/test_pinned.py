"""A pinned version is served or nothing is: what a rollback left never comes back by itself."""

import contextlib
import shutil

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from components.push.layout import push_model
from serving.client import GeneratorClient
from serving.repository import contract
from serving.repository.errors import UserError
from serving.repository.labels import release, roll_back
from serving.server.app import GeneratorServer
from serving.server.models.model_config import VersionPolicy
from serving.server.options import ServerOptions
from tests.support.waiting import wait_until

_FAST = ServerOptions(poll_seconds=0.05, retry_seconds=0.2)


@pytest.fixture
def base(tiny, tmp_path):
    """Three pushed versions, rolled back to the first."""
    base = tmp_path / "serving" / "tiny"
    push_model(tiny, base, run_id="1", verdict={}, keep_versions=9)
    for version in (2, 3):
        shutil.copytree(base / "1", base / str(version))
        release(base, version, canary=False)
    roll_back(base, to=1)
    return base


def _damage(base, version=1):
    with (base / str(version) / contract.SAVED_MODEL_FILE).open("ab") as file:
        file.write(b"x")


def _serve(base, **named):
    return GeneratorServer(base, "tiny", port=0, options=_FAST, **named)


@contextlib.contextmanager
def _refused_start(says, base, **named):
    server = _serve(base, **named)
    try:
        with pytest.raises(UserError, match=says) as caught:
            server.start()
        yield str(caught.value)
    finally:
        server.stop(0)


def test_a_damaged_rollback_is_not_replaced_by_what_it_left(base, caplog):
    _damage(base)
    with _refused_start(r"version 1: .*saved_model.pb differs", base) as line:
        assert "models.config asks for version 1 and no other" in line
        assert "forger rollback --to" in line
    assert "version 1 of tiny cannot be served" in caplog.text
    assert "nothing is served in its place" in caplog.text


def test_a_version_asked_for_by_hand_that_is_not_there(base, caplog):
    with _refused_start("version 99: .*is not on disk", base, policy=VersionPolicy.parse("specific:99")) as line:
        assert "--versions asks for version 99 and no other" in line
    assert caplog.text.count("version 99 of tiny cannot be served") == 1


@pytest.mark.parametrize(
    ("policy", "version", "why"),
    [
        ("latest", 99, "is not on disk"),
        ("latest", 1, "policy latest does not ask for it"),
        ("specific:1,2", 2, "saved_model.pb differs"),
    ],
)
def test_a_label_by_hand_whose_version_is_not_served(base, policy, version, why):
    _damage(base, 2)
    refused = f"label stable: version {version} of tiny is not served: .*{why}.*--label"
    with _refused_start(refused, base, policy=VersionPolicy.parse(policy), labels={"stable": version}):
        pass


def test_a_models_config_that_cannot_be_read_pins_all_the_same(base):
    (base.parent / contract.MODELS_CONFIG_FILE).write_text("model_config_list {")
    with pytest.raises(UserError, match=r"is not a ModelServerConfig.*mend it, or delete it to serve the newest"):
        _serve(base)


def test_a_label_of_models_config_whose_version_is_damaged_is_said(base, caplog):
    roll_back(base, to=2)  # keeps 1 as previous
    _damage(base, 2)
    with _serve(base) as server, GeneratorClient(server.target, "tiny", timeout=30) as client:
        assert client.metadata().version == 1
        wait_until(lambda: "label stable of tiny is not in force: version 2 is not served" in caplog.text)
        with pytest.raises(UserError, match="Unrecognized servable version label: stable"):
            client.at(label="stable").metadata()
        wait_until(lambda: len([one for one in client.status() if one.error]) == 1)
    assert caplog.text.count("is not in force") == 1


def test_other_models_go_on(base, tiny, caplog):
    shutil.copytree(tiny, base.parent / "other" / "7")
    _damage(base)
    file = base.parent / "all.config"
    pinned = "model_version_policy { specific { versions: 1 versions: 50 } }"
    file.write_text(
        f'model_config_list {{ config {{ name: "tiny" base_path: "tiny" model_platform: "tensorflow" {pinned} }}'
        ' config { name: "other" base_path: "other" model_platform: "tensorflow" } }'
    )
    with _serve(base, models_file=file) as server, grpc.insecure_channel(server.target) as channel:

        def health(service):
            return health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(service=service), timeout=30).status

        assert health("tiny") == health_pb2.HealthCheckResponse.NOT_SERVING
        assert health("other") == health_pb2.HealthCheckResponse.SERVING
        with GeneratorClient(server.target, "other", timeout=30) as client:
            assert client.metadata().version == 7
        with GeneratorClient(server.target, "tiny", timeout=30) as client:
            states = {one.version: (one.state, one.error) for one in client.status()}
            assert set(states) == {1, 50}
            assert {state for state, _ in states.values()} == {"END"}
            assert "differs" in states[1][1]
            assert "not on disk" in states[50][1]
            with pytest.raises(UserError, match="Servable not found"):
                client.metadata()
    assert "nothing is served in its place" in caplog.text


def test_a_mended_version_is_served_by_itself(base, tiny):
    shutil.copytree(tiny, base.parent / "other" / "7")
    kept = (base / "1" / contract.SAVED_MODEL_FILE).read_bytes()
    _damage(base)
    file = base.parent / "all.config"
    entries = "".join(
        f'config {{ name: "{name}" base_path: "{name}" model_platform: "tensorflow" {more} }}'
        for name, more in (("tiny", "model_version_policy { specific { versions: 1 } }"), ("other", ""))
    )
    file.write_text(f"model_config_list {{ {entries} }}")
    with _serve(base, models_file=file) as server, GeneratorClient(server.target, "tiny", timeout=30) as client:
        (base / "1" / contract.SAVED_MODEL_FILE).write_bytes(kept)
        wait_until(lambda: [one.version for one in client.status() if one.state == "AVAILABLE"] == [1])
