"""`forger serve` as users start it: its flags, both ports, models.config of the push, and the end by SIGTERM."""

import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import httpx
import pytest

from components.push.layout import push_model
from serving.client import GeneratorClient
from tests.support.command import assert_refused, forger
from tests.support.tiny_generator import build_tiny_generator

_FORGER = str(Path(sys.executable).with_name("forger"))


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A home with two pushed versions."""
    home = tmp_path_factory.mktemp("home")
    for scale in (1.0, 0.5):
        model = build_tiny_generator(home / f"model{scale}", scale=scale, training_key=str(scale))
        push_model(model, home / "serving" / "mnist_gan", run_id=str(scale), verdict={}, keep_versions=5)
    return home


@pytest.fixture
def serve(home):
    """Start the command; gives the process and both addresses."""
    processes = []

    def begin(*flags):
        command = [_FORGER, "serve", "--home", home, "--port", "0", *flags]
        processes.append(subprocess.Popen([str(part) for part in command], stderr=subprocess.PIPE, text=True))
        # A server that hangs at its start must not hang the test.
        killer = threading.Timer(120, processes[-1].kill)
        killer.start()
        log = ""
        for line in processes[-1].stderr:
            log += line
            found = re.search(r"serving mnist_gan on (\S+) \(gRPC\)(?:, on http://(\S+) \(REST, gallery\))?$", line)
            if found:
                killer.cancel()
                return processes[-1], found[1], found[2]
        raise AssertionError(log)

    yield begin
    for process in processes:
        process.kill()
        process.communicate()


def test_both_ports_the_labels_of_the_push_and_the_end(serve):
    process, target, rest = serve("--rest-port", "0")
    with GeneratorClient(target, "mnist_gan", timeout=30) as client:
        assert client.metadata().version == 2
        assert client.at(label="stable").metadata().version == 2
        assert client.at(label="previous").metadata().version == 1
    with httpx.Client(base_url=f"http://{rest}", timeout=30, trust_env=False) as web:
        states = [one["state"] for one in web.get("/v1/models/mnist_gan").json()["model_version_status"]]
        assert states == ["AVAILABLE", "AVAILABLE"]
        assert "forger_serving_model_version" in web.get("/monitoring/prometheus/metrics").text
    process.send_signal(signal.SIGTERM)
    _, log = process.communicate(timeout=60)
    assert process.returncode == 0, log
    assert "stopping: no new requests" in log
    assert "Traceback" not in log


def test_flags_go_before_models_config(serve):
    _, target, rest = serve("--no-rest", "--versions", "specific:1", "--label", "mine=1", "--max-batch-size", "0")
    assert rest is None
    with GeneratorClient(target, "mnist_gan", timeout=30) as client:
        assert [status.version for status in client.status() if status.state == "AVAILABLE"] == [1]
        assert client.at(label="mine").metadata().version == 1


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["--versions", "newest"], "'newest' is not a version policy"),
        (["--label", "stable"], "give NAME=VERSION"),
        (["--max-batch-size", "-1"], "max-batch-size must be from 0 to 65536, not -1"),
        (["--tls-cert", "x.pem"], "TLS needs both --tls-cert and --tls-key"),
        (["--tls-cert", "x.pem", "--tls-key", "y.pem"], "cannot use the TLS files"),
        (["--model-config-file", "x.config"], "there is no such file"),
    ],
)
def test_a_wrong_flag_is_one_line_and_exit_2(home, flags, says):
    assert_refused(forger("serve", "--home", home, "--port", 0, "--no-rest", *flags), says)
