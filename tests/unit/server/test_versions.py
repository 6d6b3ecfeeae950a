"""Versions come, break and go while a server runs."""

import json
import logging
import shutil
import threading

import pytest

from serving.client import ClientError, GeneratorClient
from serving.repository import contract
from serving.repository.errors import UserError
from serving.repository.manifest import file_digests
from serving.saved_model.generator import LocalGenerator
from serving.server.app import GeneratorServer
from tests.support.tiny_generator import write_warmup
from tests.support.waiting import wait_until


@pytest.fixture
def client(base, start):
    with GeneratorClient(start(base, retry_seconds=0.2).target, "tiny", timeout=30) as client:
        yield client


def _states(client):
    return {status.version: status.state for status in client.status()}


def _errors(client):
    return {status.version: status.error for status in client.status()}


def _put(model, base, version):
    """Move a version in as a push does, in one step."""
    staging = base / f".staging-{version}"
    shutil.copytree(model, staging)
    staging.rename(base / str(version))


def test_a_newer_version_is_loaded_and_the_old_one_unloaded(client, base, other):
    assert client.metadata().version == 1
    _put(other, base, 2)
    wait_until(lambda: _states(client) == {1: "END", 2: "AVAILABLE"})
    images, _ = client.sample([1], [1])
    assert (images == LocalGenerator(other).sample([1], [1])[0]).all()
    shutil.rmtree(base / "1")
    wait_until(lambda: _states(client) == {2: "AVAILABLE"})


def test_a_broken_version_is_reported_and_the_good_one_keeps_serving(client, base, tiny, other, caplog):
    caplog.set_level(logging.INFO, "forger.serving")
    _put(other, base, 3)
    wait_until(lambda: _states(client).get(3) == "AVAILABLE")
    broken = base / "4"
    shutil.copytree(tiny, base / ".staging-4")
    (base / ".staging-4" / contract.SAVED_MODEL_FILE).write_bytes(b"no graph")
    (base / ".staging-4").rename(broken)
    wait_until(lambda: "cannot be loaded" in _errors(client).get(4, ""))
    assert _states(client)[4] in ("END", "LOADING")
    assert client.metadata().version == 3
    assert any("version 4 of tiny cannot be served" in line and "version 3 keeps serving" in line for line in caplog.messages)


def test_a_half_copied_version_is_served_when_the_copy_is_done(client, base, other):
    target = base / "2"
    target.mkdir()
    wait_until(lambda: "holds no saved_model.pb" in _errors(client).get(2, ""))
    shutil.copy(other / contract.SAVED_MODEL_FILE, target)
    wait_until(lambda: "cannot be loaded" in _errors(client).get(2, ""))
    assert client.metadata().version == 1
    shutil.copytree(other / "variables", target / "variables")
    wait_until(lambda: _states(client).get(2) == "AVAILABLE")
    assert _errors(client)[2] == ""


def test_a_version_that_differs_from_its_manifest_is_not_served(client, base, other):
    shutil.copytree(other, base / ".staging-2")
    manifest = file_digests(other) | {contract.METADATA_FILE: "0" * 64}
    (base / ".staging-2" / contract.MANIFEST_FILE).write_text(json.dumps(manifest))
    (base / ".staging-2").rename(base / "2")
    wait_until(lambda: "corrupt" in _errors(client).get(2, ""))
    assert client.metadata().version == 1


def test_a_version_that_fails_its_warm_up_is_not_served(client, base, other):
    shutil.copytree(other, base / ".staging-2")
    (base / ".staging-2" / contract.WARMUP_FILE).write_bytes(b"not a record")
    (base / ".staging-2").rename(base / "2")
    wait_until(lambda: "warm-up request 1" in _errors(client).get(2, ""))
    assert client.metadata().version == 1


def test_too_many_warm_up_requests(client, base, other):
    shutil.copytree(other, base / ".staging-2")
    write_warmup(base / ".staging-2", batch_sizes=(1,) * 334)
    (base / ".staging-2").rename(base / "2")
    wait_until(lambda: "more than 1000 warm-up requests" in _errors(client).get(2, ""))


def test_what_is_served_outlives_its_directory(client, base):
    shutil.rmtree(base)
    assert client.sample([1], [1])[1].tolist() == [1]
    base.mkdir()
    wait_until(lambda: _states(client) == {1: "AVAILABLE"})
    assert client.sample([1], [1])[1].tolist() == [1]


def test_deleting_the_served_version_goes_back_to_an_older_one(client, base, other):
    _put(other, base, 2)
    wait_until(lambda: _states(client).get(2) == "AVAILABLE")
    shutil.rmtree(base / "2")
    wait_until(lambda: client.metadata().version == 1)


def test_a_start_passes_over_a_broken_newest_version(base, start):
    (base / "2").mkdir()
    with GeneratorClient(start(base).target, "tiny", timeout=30) as client:
        assert client.metadata().version == 1
        assert _errors(client)[2].endswith("holds no saved_model.pb")


def test_no_version_that_can_be_served(base, start):
    (base / "1" / contract.SAVED_MODEL_FILE).write_bytes(b"")
    with pytest.raises(UserError, match=r"no version of tiny can be served \(version 1: .*forger run"):
        start(base)


def test_no_version_at_all(tmp_path):
    with pytest.raises(UserError, match=r"no model pushed yet.*forger run"):
        GeneratorServer(tmp_path, "tiny", port=0)


def test_versions_change_under_load_without_one_failed_call(client, base, tiny, other):
    """Every draw comes whole from one version, also one of several chunks."""
    expected = [LocalGenerator(model).sample(range(300), [1] * 300)[0] for model in (tiny, other)]
    ended, problems = threading.Event(), []

    def draw():
        while not ended.is_set():
            try:
                images, _ = client.sample(range(300), [1] * 300)
            except ClientError as error:
                problems.append(str(error))
            else:
                if not any((images == whole).all() for whole in expected):
                    problems.append("images of two versions")

    threads = [threading.Thread(target=draw) for _ in range(3)]
    for thread in threads:
        thread.start()
    for version in range(2, 6):
        _put(other if version % 2 == 0 else tiny, base, version)
        wait_until(lambda version=version: _states(client).get(version) == "AVAILABLE")
    ended.set()
    for thread in threads:
        thread.join()
    assert problems == []
