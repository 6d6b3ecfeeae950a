"""Calls that send their headers and then nothing: they end, and meanwhile everybody else is answered."""

import itertools
import threading
from collections import Counter

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2
from tensorflow_serving.apis import predict_pb2

from tests.support.predict_requests import predict_request

_PREDICT = "/tensorflow.serving.PredictionService/Predict"
_CHECK, _WATCH = "/grpc.health.v1.Health/Check", "/grpc.health.v1.Health/Watch"
_REFLECTION = [f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo" for version in ("v1alpha", "v1")]
_WORKERS = 4
_PATIENT = 50  # seconds that a client waits; less than a message may take to arrive, for these tests are about more than that


@pytest.fixture
def silent():
    """Begin calls on a channel that send these messages and then nothing until the test ends."""
    ended, begun = threading.Event(), []

    def messages(sent):
        yield from sent
        ended.wait()

    def begin(channel, method, count=1, sent=(), timeout=None):
        call = channel.stream_stream(method)  # the same on the wire as a unary one
        calls = [call(messages(sent), timeout=timeout) for _ in range(count)]
        begun.extend(calls)  # one that nobody holds is cancelled
        return calls

    yield begin
    ended.set()


@pytest.fixture
def connect(base, start):
    """Start a server; gives a channel to it. What is begun on one connection first, the server sees first."""
    channels = []

    def begin(**options):
        channels.append(grpc.insecure_channel(start(base, workers=_WORKERS, **options).target))
        return channels[-1]

    yield begin
    for channel in channels:
        channel.close()


def _request():
    return predict_request(seed=[4], label=[4]).SerializeToString()


def _answered(channel):
    answer = predict_pb2.PredictResponse.FromString(channel.unary_unary(_PREDICT)(_request(), timeout=_PATIENT))
    return list(answer.outputs["label"].int64_val) == [4]


@pytest.mark.parametrize("method", [_PREDICT, _WATCH, *_REFLECTION])
def test_calls_that_never_say_what_they_want_hold_nobody_up(connect, silent, method):
    channel = connect()
    silent(channel, method, count=_WORKERS)
    assert _answered(channel)


@pytest.mark.parametrize("method", [_CHECK, _WATCH])
def test_nor_do_they_hold_up_health(connect, silent, method):
    channel = connect()
    silent(channel, method, count=20)
    answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=_PATIENT)
    assert answer.status == health_pb2.HealthCheckResponse.SERVING


@pytest.mark.parametrize("method", [_PREDICT, _CHECK, _WATCH, *_REFLECTION])
def test_they_end_even_where_nobody_else_waits(connect, silent, method):
    (call,) = silent(connect(message_seconds=1), method, timeout=_PATIENT)
    assert call.code() is grpc.StatusCode.CANCELLED


def _listing():
    return reflection_pb2.ServerReflectionRequest(list_services="").SerializeToString()


def test_a_reflection_stream_that_rests_ends(connect, silent):
    (call,) = silent(connect(message_seconds=1), _REFLECTION[0], sent=[_listing()] * 2, timeout=_PATIENT)
    assert len(list(itertools.islice(call, 2))) == 2
    assert call.code() is grpc.StatusCode.CANCELLED


def test_resting_reflection_streams_make_room_and_the_most_of_a_flood_are_refused(connect, silent):
    channel = connect(message_seconds=5)
    for call in silent(channel, _REFLECTION[1], count=8, sent=[_listing()], timeout=_PATIENT):
        assert next(call)
    flood = silent(channel, _REFLECTION[1], count=100, timeout=_PATIENT)
    codes = Counter(call.code() for call in flood)
    assert set(codes) == {grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.CANCELLED}
    assert codes[grpc.StatusCode.RESOURCE_EXHAUSTED] >= 50


def test_a_message_that_takes_its_time_is_read(connect):
    def slow():
        threading.Event().wait(1)
        yield _request()

    answer = connect().stream_unary(_PREDICT)(slow(), timeout=_PATIENT)
    assert list(predict_pb2.PredictResponse.FromString(answer).outputs["label"].int64_val) == [4]


@pytest.mark.parametrize("method", [_PREDICT, _CHECK])
def test_a_call_that_ends_without_a_message_is_told_so(connect, method):
    with pytest.raises(grpc.RpcError) as caught:
        connect().stream_unary(method)(iter(()), timeout=_PATIENT)
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
    assert caught.value.details() == "the method takes one request message, none came"


def test_bytes_that_are_no_message_of_health(connect):
    with pytest.raises(grpc.RpcError) as caught:
        connect().unary_unary(_CHECK)(b"\xff", timeout=_PATIENT)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert caught.value.details() == "the message is not of the method's type"
