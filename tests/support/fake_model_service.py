"""A model service, a real gRPC server, that fails as often as it is told to."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import grpc
from tensorflow_serving.apis import get_model_status_pb2

from serving.client import contract


class FakeModelService:
    """Answers that version `version` is available, after some failures.

    Attributes:
        calls: Calls so far, failed ones too.
        target: Its address.
    """

    def __init__(
        self,
        version: int = 1,
        *,
        failures: int = 0,
        code: grpc.StatusCode = grpc.StatusCode.UNAVAILABLE,
        details: str = "going down",
        room: int = 0,
        seconds: float = 0.0,
        credentials: grpc.ServerCredentials | None = None,
        address: str = "127.0.0.1:0",
    ) -> None:
        """Start.

        Args:
            version: What it answers.
            failures: Calls that it refuses first.
            code: With this code,
            details: and these words.
            room: Calls that it takes at a time, it refuses the others; 0 for any number.
            seconds: What an answer takes.
            credentials: Its TLS; None for plain gRPC.
            address: Where it listens.
        """
        self.calls, self._version, self._failures = 0, version, failures
        self._code, self._details, self._room, self._seconds = code, details, room, seconds
        self._running, self._lock = 0, threading.Lock()
        self._server = grpc.server(ThreadPoolExecutor(32), options=[("grpc.so_reuseport", 0)])
        handler = grpc.unary_unary_rpc_method_handler(
            self._status, get_model_status_pb2.GetModelStatusRequest.FromString, lambda answer: answer.SerializeToString()
        )
        self._server.add_generic_rpc_handlers(
            [grpc.method_handlers_generic_handler(contract.MODEL_SERVICE, {"GetModelStatus": handler})]
        )
        add: Callable[[str], int] = self._server.add_insecure_port
        port = self._server.add_secure_port(address, credentials) if credentials else add(address)
        self.target = f"127.0.0.1:{port}" if address.startswith("127.") else address
        self._server.start()

    def stop(self) -> None:
        """Stop at once."""
        self._server.stop(0).wait()

    def _status(self, _request, context):
        with self._lock:
            self.calls += 1
            refused = self.calls <= self._failures or (self._room and self._running >= self._room)
            self._running += not refused
        if refused:
            context.abort(self._code, self._details)
        time.sleep(self._seconds)
        with self._lock:
            self._running -= 1
        answer = get_model_status_pb2.GetModelStatusResponse()
        answer.model_version_status.add(version=self._version, state=get_model_status_pb2.ModelVersionStatus.AVAILABLE)
        return answer
