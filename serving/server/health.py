"""grpc.health.v1 that lets a server stop: gRPC's own servicer keeps every watch open, which would hold a drain to its end."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import grpc
from grpc_health.v1 import health, health_pb2

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


class ModelHealth(health.HealthServicer):
    """Health of several service names that all stand for the one model."""

    def __init__(self, services: Iterable[str]) -> None:
        """Begin with NOT_SERVING, for these names and for the server as a whole."""
        super().__init__()
        self._services = ("", *services)
        self._watches: set[Callable] = set()
        self.set_all(NOT_SERVING)

    def set_all(self, status: int) -> None:
        """Set and announce one status for every name."""
        for service in self._services:
            self.set(service, status)

    def Watch(self, request, context: grpc.ServicerContext, send_response_callback: Callable | None = None):
        """Stream a service's status; gRPC calls it with a callback that sends, and that ends the stream when given None."""
        self._watches.add(send_response_callback)
        context.add_callback(lambda: self._watches.discard(send_response_callback))
        return super().Watch(request, context, send_response_callback)

    def end_watches(self) -> None:
        """End every stream; the last that each was sent is the status announced before."""
        for send in list(self._watches):
            send(None)
