"""grpc.health.v1 that lets a server stop: gRPC's own servicer keeps every watch open, which would hold a drain to its end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import grpc
from grpc_health.v1 import health, health_pb2

from serving.repository import contract
from serving.server.rpc.workers import OwnThreads, Workers

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
SERVICE_UNKNOWN = health_pb2.HealthCheckResponse.SERVICE_UNKNOWN
_WHOLE = ("", contract.PREDICTION_SERVICE, contract.MODEL_SERVICE)  # stand for the server as a whole
_THREADS, _MOST = 8, 256
_HURRY_SECONDS = 1.0  # a probe's message is a few bytes and comes with its headers


class ModelHealth(health.HealthServicer):
    """Health of each model by its name, and of the server as a whole, which serves when all its models do."""

    def __init__(self) -> None:
        """Begin with NOT_SERVING."""
        super().__init__()
        # A probe must not wait behind the requests, nor be refused: a server that only works must not look ill.
        threads = Workers(_THREADS, _MOST, hurry_seconds=_HURRY_SECONDS, name="forger-health")
        for method in ("Check", "Watch"):
            setattr(self, method, OwnThreads(getattr(self, method), threads))
        self._models: set[str] = set()
        self._watches: set[Any] = set()
        self.update({})

    def update(self, available: Mapping[str, bool]) -> None:
        """Set and announce which models serve.

        Args:
            available: Whether a version is available, by model.
        """
        for name in self._models - set(available):
            self.set(name, SERVICE_UNKNOWN)
        self._models = set(available)
        for name, serves in available.items():
            self.set(name, SERVING if serves else NOT_SERVING)
        whole = bool(available) and all(available.values())
        for service in _WHOLE:
            self.set(service, SERVING if whole else NOT_SERVING)

    def Watch(
        self, request: health_pb2.HealthCheckRequest, context: grpc.ServicerContext, send_response_callback: Any = None
    ) -> Any:
        """Stream a service's status; gRPC calls it with a callback that sends, and that ends the stream when given None."""
        self._watches.add(send_response_callback)
        context.add_callback(lambda: self._watches.discard(send_response_callback))
        return super().Watch(request, context, send_response_callback)

    def end_watches(self) -> None:
        """End every stream; the last that each was sent is the status announced before."""
        for send in list(self._watches):
            send(None)
