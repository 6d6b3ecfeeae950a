"""Calls beyond the limit: refused unread, slowly, and without holding up those that are open or health."""

import threading
import time

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from serving.saved_model.session import SignatureSession
from serving.server.requests.predict import Predictor
from tests.support.predict_requests import predict_request
from tests.support.waiting import wait_until

_PREDICT = "/tensorflow.serving.PredictionService/Predict"
_MOST = 3


@pytest.fixture
def busy(base, start, monkeypatch):
    """A server with as many calls open as may be, held up in the model; gives its channel and what was read so far."""
    go_on, read = threading.Event(), []
    run, predict = SignatureSession.run, Predictor.predict
    server = start(base, max_calls=_MOST, workers=2)
    monkeypatch.setattr(SignatureSession, "run", lambda *arguments: (go_on.wait(), run(*arguments))[1])
    monkeypatch.setattr(Predictor, "predict", lambda *arguments: (read.append(1), predict(*arguments))[1])
    with grpc.insecure_channel(server.target) as channel:
        call = channel.unary_unary(_PREDICT)
        under_way = [call.future(predict_request().SerializeToString(), timeout=60) for _ in range(_MOST)]
        wait_until(lambda: len(read) == 2, 10)  # the third waits for a worker
        yield channel, read
        go_on.set()
        assert [one.code() for one in under_way] == [grpc.StatusCode.OK] * _MOST
        assert len(read) == _MOST


def _refused(call):
    with pytest.raises(grpc.RpcError) as caught:
        call(b"this is no message", timeout=30)
    return caught.value


def test_a_refused_call_is_never_read(busy):
    channel, read = busy
    error = _refused(channel.unary_unary(_PREDICT))
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED  # not INVALID_ARGUMENT, as bytes that are no message get
    assert error.details() == "3 calls are open already: try again later"
    assert len(read) == 2


def test_who_asks_again_at_once_is_refused_no_faster_than_a_server_can_afford(busy):
    """20 clients without a pause make no more work than one with a pause."""
    channel, _ = busy
    call, refusals, end = channel.unary_unary(_PREDICT), [], time.monotonic() + 2

    def insist():
        while time.monotonic() < end:
            refusals.append(_refused(call).code())

    threads = [threading.Thread(target=insist) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(refusals) == {grpc.StatusCode.RESOURCE_EXHAUSTED}
    assert 20 <= len(refusals) <= 2 * 400 + 20


def test_health_answers_all_the_same(busy):
    channel, _ = busy
    answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=30)
    assert answer.status == health_pb2.HealthCheckResponse.SERVING


def test_who_gives_up_leaves_room_for_others(busy):
    """Calls that were cancelled while they waited for their refusal take none of the time of the next one."""
    channel, _ = busy
    call = channel.unary_unary(_PREDICT)
    for waiting in [call.future(b"", timeout=30) for _ in range(800)]:
        waiting.cancel()
    began = time.monotonic()
    assert _refused(call).code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert time.monotonic() - began < 1.5  # 800 refusals would take 2 s
