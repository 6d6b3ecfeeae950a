"""A client that asks for a sign of life every 10 s, as Forger's own does, is not cut off."""

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from serving.server import app

_SCALE = 20  # the true times take minutes: both sides' are divided


@pytest.mark.parametrize("without_calls", [0, 1])
def test_pings_do_not_end_the_connection(base, start, monkeypatch, without_calls):
    scaled = [(name, value // _SCALE if name.endswith("_ms") else value) for name, value in app._KEEPALIVE]
    monkeypatch.setattr(app, "_KEEPALIVE", scaled)
    options = [
        ("grpc.keepalive_time_ms", 10_000 // _SCALE),
        ("grpc.keepalive_timeout_ms", 10_000),
        ("grpc.keepalive_permit_without_calls", without_calls),
        ("grpc.http2.max_pings_without_data", 0),
    ]
    with grpc.insecure_channel(start(base).target, options) as channel:
        watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest(), timeout=6)  # a dozen pings
        assert next(watch).status == health_pb2.HealthCheckResponse.SERVING
        with pytest.raises(grpc.RpcError) as caught:
            next(watch)
        assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
