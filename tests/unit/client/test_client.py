"""The client against real servers."""

import shutil
import socket
import subprocess
import sys
import threading
import time

import grpc
import numpy as np
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from serving.client import GeneratorClient, TensorInfo
from serving.client.errors import ClientError
from serving.client.rows import CHUNK_ROWS, seeds_for
from serving.repository import contract
from serving.saved_model.generator import LocalGenerator
from serving.saved_model.servable import Servable
from serving.server.app import GeneratorServer
from serving.server.options import ServerOptions
from tests.support.tiny_generator import LATENT_SIZE, build_tiny_generator


@pytest.fixture
def server(base, start):
    return start(base, max_rows=300)


@pytest.fixture
def client(server):
    with GeneratorClient(server.target, "tiny", timeout=30) as client:
        yield client


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_a_seed_gives_the_same_digits_over_grpc_as_locally(client, tiny):
    seeds, labels = seeds_for(5, 700), np.arange(700) % 10
    images, answered = client.sample(seeds, labels)
    local, local_labels = LocalGenerator(tiny).sample(seeds, labels)
    assert images.dtype == np.uint8
    assert answered.dtype == np.int64
    assert np.array_equal(images, local)
    assert np.array_equal(answered, local_labels)


def test_a_row_depends_on_its_own_seed_and_label_alone(client):
    images, _ = client.sample([3, 4, 5], [0, 1, 2])
    assert np.array_equal(client.sample([5], [2])[0][0], images[2])
    assert np.array_equal(client.sample([5, 3], [2, 0])[0], images[[2, 0]])


def test_latents(client, tiny):
    latents, labels = np.random.default_rng(0).normal(size=(5, LATENT_SIZE)), np.arange(5)
    images = client.sample_latent(latents, labels)
    assert images.dtype == np.float32
    assert np.array_equal(images, LocalGenerator(tiny).sample_latent(latents, labels))


def test_no_rows(client):
    images, labels = client.sample([], [])
    assert images.shape == (0, 28, 28, 1)
    assert labels.shape == (0,)


def test_metadata_and_status(client):
    metadata = client.metadata()
    assert (metadata.name, metadata.version) == ("tiny", 1)
    assert set(metadata.signatures) == set(contract.SIGNATURES)
    assert metadata.signatures["serving_default"].inputs["latent"] == TensorInfo("float32", (None, LATENT_SIZE))
    assert metadata.signatures["sample"].outputs["image"] == TensorInfo("uint8", (None, 28, 28, 1))
    assert [(status.version, status.state, status.error) for status in client.status()] == [(1, "AVAILABLE", "")]


def test_refusals_are_one_clear_line(client, server):
    with pytest.raises(ClientError, match="label outside the classes"):
        client.sample([1], [99])
    with (
        GeneratorClient(server.target, "tiny", timeout=30, chunk_rows=500) as large,
        pytest.raises(ClientError, match="the limit is 300 rows"),
    ):
        large.sample(range(400), [1] * 400)
    with GeneratorClient(server.target, "m", timeout=30) as stranger:
        for call in (stranger.status, stranger.metadata, lambda: stranger.sample([1], [1])):
            with pytest.raises(ClientError, match="does not serve m"):
                call()


def test_message_limit(base, start):
    server = start(base, max_message_bytes=4096)
    with (
        GeneratorClient(server.target, "tiny", timeout=30) as client,
        pytest.raises(ClientError, match=r"RESOURCE_EXHAUSTED.*larger than max"),
    ):
        client.sample_latent(np.zeros((256, LATENT_SIZE)), np.zeros(256, int))


def test_a_server_that_comes_back_is_met_again(base):
    port = _free_port()
    started = []

    def later():
        time.sleep(0.5)
        started.append(GeneratorServer(base, "tiny", port=port))
        started[0].start()

    thread = threading.Thread(target=later)
    thread.start()
    try:
        with GeneratorClient(f"127.0.0.1:{port}", "tiny", timeout=60) as client:
            # Nobody listens at first, then the server is there but still loads: both are UNAVAILABLE, and tried again.
            assert client.status()[0].state == "AVAILABLE"
    finally:
        thread.join()
        started[0].stop(0)


def test_a_foreign_model_is_named(base, start):
    import tensorflow as tf

    module = tf.Module()
    integers = tf.TensorSpec([None], tf.int64)

    @tf.function(input_signature=[integers, integers])
    def sample(seed, label):
        return {"image": tf.cast(seed, tf.float32), "label": label}

    shutil.rmtree(base / "1")
    tf.saved_model.save(module, str(base / "1"), signatures={"sample": sample})
    with (
        GeneratorClient(start(base).target, "tiny", timeout=30) as client,
        pytest.raises(ClientError, match=r"not a Forger generator: it answers image as float32 \[2\]"),
    ):
        client.sample([1, 2], [1, 1])


def test_a_chunk_fits_the_default_row_limit():
    assert ServerOptions().max_rows >= CHUNK_ROWS


def test_a_server_that_still_loads_says_so(base, start, monkeypatch):
    port, go_on, warm_up = _free_port(), threading.Event(), Servable.warm_up
    monkeypatch.setattr(Servable, "warm_up", lambda servable: (go_on.wait(), warm_up(servable))[1])
    server = GeneratorServer(base, "tiny", port=port)
    thread = threading.Thread(target=server.start)
    thread.start()
    try:
        with GeneratorClient(server.target, "tiny", timeout=4) as client, pytest.raises(ClientError, match="still loading"):
            client.status()
        with grpc.insecure_channel(server.target) as channel:
            answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=10)
        assert answer.status == health_pb2.HealthCheckResponse.NOT_SERVING
    finally:
        go_on.set()
        thread.join()
        server.stop(0)


@pytest.mark.parametrize("module", ["client", "client.images", "saved_model.generator", "server.app"])
def test_importing_does_not_import_tensorflow(module):
    code = f"import serving.{module}, sys; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_largest_images_fit_into_the_servers_answers(tmp_path):
    """100 float images of 128x128x3 are 19 MiB, more than one answer may hold."""
    build_tiny_generator(tmp_path / "big" / "1", num_classes=2, shape=(128, 128, 3))
    with GeneratorServer(tmp_path / "big", "big", port=0) as server, GeneratorClient(server.target, "big") as client:
        assert client.interpolate(1, 2, 100, 0)[0].shape == (100, 128, 128, 3)
        assert client.sample(range(300), [0] * 300)[0].shape == (300, 128, 128, 3)
