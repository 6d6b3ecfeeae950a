"""Requests that are under way while a version changes or the server stops."""

import shutil
import threading

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from serving.client import ClientError, GeneratorClient
from serving.saved_model.session import SignatureSession
from tests.support.waiting import wait_until


@pytest.fixture
def held(monkeypatch):
    """Hold requests up inside the model: an event that says one is there, and one that lets it go on."""
    entered, go_on, run = threading.Event(), threading.Event(), SignatureSession.run
    go_on.set()

    def slow(session, signature, inputs):
        if not go_on.is_set():
            entered.set()
            go_on.wait()
        return run(session, signature, inputs)

    monkeypatch.setattr(SignatureSession, "run", slow)
    yield entered, go_on
    go_on.set()


def _begin(client):
    answers = []
    thread = threading.Thread(target=lambda: answers.append(client.sample([1], [4])))
    thread.start()
    return thread, answers


def _refuses(target):
    with GeneratorClient(target, "tiny", timeout=3) as late:
        try:
            late.status()
        except ClientError:
            return True
    return False


def test_a_stopping_server_answers_what_it_began_and_refuses_the_rest(base, start, held):
    entered, go_on = held
    server = start(base)
    with GeneratorClient(server.target, "tiny", timeout=60) as client, grpc.insecure_channel(server.target) as channel:
        health = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
        assert next(health).status == health_pb2.HealthCheckResponse.SERVING
        client.status()
        go_on.clear()
        request, answers = _begin(client)
        entered.wait()
        stopping = threading.Thread(target=server.stop)
        stopping.start()
        assert next(health).status == health_pb2.HealthCheckResponse.NOT_SERVING
        wait_until(lambda: _refuses(server.target))  # the listening socket closes a moment after the announcement
        assert stopping.is_alive()
        assert list(health) == []  # the watch ends, else it would hold the drain up to its end
        go_on.set()
        request.join()
        stopping.join()
    assert answers[0][1].tolist() == [4]


def test_a_drain_has_an_end(base, start, held):
    entered, go_on = held
    server = start(base, drain_seconds=0.2)
    problems = []

    def draw():
        with GeneratorClient(server.target, "tiny", timeout=60) as client:
            try:
                client.sample([1], [4])
            except ClientError as error:
                problems.append(str(error))

    go_on.clear()
    request = threading.Thread(target=draw)
    request.start()
    entered.wait()
    threading.Timer(1.5, go_on.set).start()
    server.stop()
    request.join()
    assert len(problems) == 1


def test_an_old_version_stays_until_its_last_request_is_answered(base, start, held, other):
    entered, go_on = held
    with GeneratorClient(start(base).target, "tiny", timeout=60) as client:

        def states():
            return {status.version: status.state for status in client.status()}

        client.status()
        go_on.clear()
        request, answers = _begin(client)
        entered.wait()
        # Without warm-up requests, which the hold would stop as well.
        shutil.copytree(other, base / ".staging-2", ignore=shutil.ignore_patterns("tf_serving_warmup_requests"))
        (base / ".staging-2").rename(base / "2")
        wait_until(lambda: states() == {1: "UNLOADING", 2: "AVAILABLE"})
        go_on.set()
        request.join()
        wait_until(lambda: states() == {1: "END", 2: "AVAILABLE"})
    assert answers[0][1].tolist() == [4]


def test_health_is_answered_while_every_worker_is_busy(base, start, held):
    """A probe that has to wait for its turn fails, and whoever asked ends a server that only works."""
    entered, go_on = held
    server = start(base, workers=1)
    with GeneratorClient(server.target, "tiny", timeout=60) as client, grpc.insecure_channel(server.target) as channel:
        client.status()
        go_on.clear()
        request, answers = _begin(client)
        entered.wait()
        answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(service="tiny"), timeout=5)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
        go_on.set()
        request.join()
    assert answers[0][1].tolist() == [4]
