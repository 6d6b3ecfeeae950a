"""grpc.health.v1 that lets a server stop: gRPC's own servicer keeps every watch open, which would hold a drain to its end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from grpc_health.v1 import health, health_pb2

from serving.repository import contract

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
SERVICE_UNKNOWN = health_pb2.HealthCheckResponse.SERVICE_UNKNOWN
_WHOLE = ("", contract.PREDICTION_SERVICE, contract.MODEL_SERVICE)  # stand for the server as a whole


class _OwnThreads:
    """A method's behaviour, run apart from the server's workers."""

    def __init__(self, behaviour: Callable[[Any, Any], Any]) -> None:
        self._behaviour = behaviour
        self.experimental_thread_pool = ThreadPoolExecutor(2, thread_name_prefix="forger-health")

    def __call__(self, request: Any, context: Any) -> Any:
        return self._behaviour(request, context)


class ModelHealth(health.HealthServicer):
    """Health of each model by its name, and of the server as a whole, which serves when all its models do."""

    def __init__(self) -> None:
        """Begin with NOT_SERVING."""
        super().__init__()
        # gRPC's way to give a method threads of its own: a probe must not wait behind the requests.
        setattr(self, "Check", _OwnThreads(self.Check))  # noqa: B010 (a method, to the type checker)
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
