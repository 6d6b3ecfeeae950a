"""The embedded server as a process of its own: signals, ports, a push while it serves."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager

import numpy as np
import pytest

from components.push.layout import push_model
from serving.client import ClientError, GeneratorClient
from serving.saved_model.generator import LocalGenerator
from tests.support.tiny_generator import build_tiny_generator
from tests.support.waiting import wait_until

_PROGRAM = """
import logging, sys
from pathlib import Path
from serving.repository.errors import UserError
from serving.server.app import GeneratorServer
from serving.server.process import serve
logging.basicConfig(level=logging.INFO, format="%(name)s %(message)s")
try:
    print("ended by", serve(GeneratorServer(Path(sys.argv[1]), "tiny", port=int(sys.argv[2]))).name)
except UserError as error:
    sys.exit(str(error))
"""


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return build_tiny_generator(tmp_path_factory.mktemp("tiny") / "model")


@pytest.fixture
def base(tiny, tmp_path):
    push_model(tiny, tmp_path / "base", run_id="1", verdict={}, keep_versions=5)
    return tmp_path / "base"


@pytest.fixture
def spawn():
    processes = []

    def begin(base, port):
        process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, str(base), str(port)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        )
        processes.append(process)
        return process

    yield begin
    for process in processes:
        process.kill()
        process.communicate()


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _serves(target):
    with GeneratorClient(target, "tiny", timeout=5) as client:
        try:
            return client.status()
        except ClientError:
            return None


def test_a_life_of_a_server(base, tiny, spawn, tmp_path):
    port = _free_port()
    target = f"127.0.0.1:{port}"
    process = spawn(base, port)
    wait_until(lambda: _serves(target), 120)

    second = spawn(base, port)
    _, errors = second.communicate(timeout=60)
    assert second.returncode == 1
    assert errors.strip().splitlines()[-1].startswith(f"cannot listen on {target}: Address already in use; ")

    with GeneratorClient(target, "tiny", timeout=60) as client:
        seeds, labels = np.arange(300), np.arange(300) % 10
        assert np.array_equal(client.sample(seeds, labels)[0], LocalGenerator(base).sample(seeds, labels)[0])
        newer = build_tiny_generator(tmp_path / "newer", scale=0.2, training_key="newer")
        push_model(newer, base, run_id="2", verdict={}, keep_versions=1)
        wait_until(lambda: client.metadata().version == 2)
        assert np.array_equal(client.sample(seeds, labels)[0], LocalGenerator(newer).sample(seeds, labels)[0])
    process.send_signal(signal.SIGTERM)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert output == "ended by SIGTERM\n"
    assert "forger.serving stopping" in errors
    assert "Traceback" not in errors


def test_a_signal_while_it_starts(base, spawn):
    process = spawn(base, 0)
    for line in process.stderr:
        if "is available" in line:
            break
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=60)
    assert (process.returncode, output) == (0, "ended by SIGINT\n"), errors


@contextmanager
def _hangups(handler):
    """Start children with this handler of SIGHUP, whichever these tests inherited."""
    inherited = signal.signal(signal.SIGHUP, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, inherited)


def test_a_closed_terminal_drains(base, spawn):
    with _hangups(signal.SIG_DFL):
        process = spawn(base, 0)
    for line in process.stderr:
        if " on 127.0.0.1:" in line:
            break
    process.send_signal(signal.SIGHUP)
    output, errors = process.communicate(timeout=60)
    assert (process.returncode, output) == (0, "ended by SIGHUP\n"), errors
    assert "stopping: no new requests" in errors


def test_below_nohup_a_closed_terminal_changes_nothing(base, spawn):
    port = _free_port()
    with _hangups(signal.SIG_IGN):
        process = spawn(base, port)
    wait_until(lambda: _serves(f"127.0.0.1:{port}"), 120)
    process.send_signal(signal.SIGHUP)
    assert _serves(f"127.0.0.1:{port}")
    process.send_signal(signal.SIGTERM)
    assert process.communicate(timeout=60)[0] == "ended by SIGTERM\n"


def test_nothing_to_serve(tmp_path, spawn):
    shutil.rmtree(tmp_path / "base", ignore_errors=True)
    _, errors = spawn(tmp_path / "base", 0).communicate(timeout=60)
    assert errors.strip().splitlines()[-1].startswith("no model pushed yet: ")
