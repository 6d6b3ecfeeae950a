"""The embedded server as one object, and the blocking call behind `forger serve`."""

from __future__ import annotations

import logging
import signal
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2_grpc

from serving import contract
from serving.errors import ServingError
from serving.server.health import SERVING, ModelHealth
from serving.server.options import ServerOptions

_LOGGER = logging.getLogger("forger.serving")
_ADDRESS_MEND = "stop what listens there, or choose another with --port or --host"


class GeneratorServer:
    """Answers TensorFlow Serving's gRPC contract for one model base directory.

    Example:
        >>> with GeneratorServer(base, "mnist_gan", port=0) as server:  # doctest: +SKIP
        ...     print(server.target)
    """

    def __init__(
        self, model_base: Path, name: str, host: str = "127.0.0.1", port: int = 8500, options: ServerOptions | None = None
    ) -> None:
        """Bind the port.

        Args:
            model_base: Directory with one sub directory a version.
            name: The servable's name that clients ask for.
            host: Address to bind; the default is reachable from this machine only.
            port: 0 for any free one, see `port` afterwards.
            options: Limits and times.

        Raises:
            ServingError: No version there, or the port is taken.
        """
        if not contract.version_directories(Path(model_base)):
            raise ServingError(f"no model pushed yet: {model_base} holds no version; run `forger run` first")
        self._base, self._name, self._host = Path(model_base), name, host
        self._options = options or ServerOptions()
        self._health = ModelHealth([name, contract.PREDICTION_SERVICE, contract.MODEL_SERVICE])
        self._stopping = threading.Event()
        self._stopped = False
        self._versions = None
        self._server = grpc.server(
            ThreadPoolExecutor(self._options.workers, thread_name_prefix="forger-grpc"),
            options=[
                ("grpc.so_reuseport", 0),  # else a second server on the same port would start and share the calls
                ("grpc.max_receive_message_length", self._options.max_message_bytes),
                ("grpc.max_send_message_length", self._options.max_message_bytes),
            ],
        )
        _check_address(host, port)
        try:
            self.port = self._server.add_insecure_port(_joined(host, port))
        except RuntimeError as error:
            raise ServingError(f"cannot listen on {_joined(host, port)}: {error}; {_ADDRESS_MEND}") from error

    @property
    def target(self) -> str:
        """The address for a client."""
        return _joined(self._host, self.port)

    def start(self) -> None:
        """Answer health checks, load and warm up the newest whole version, then be available.

        Raises:
            ServingError: No version can be loaded.
        """
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        # TensorFlow takes seconds to import; whoever only asks for a port that is taken should not wait for it.
        from serving.server.services import GeneratorServices
        from serving.server.versions import VersionManager

        self._versions = VersionManager(self._base, self._name, self._options, lambda: self._health.set_all(SERVING))
        services = GeneratorServices(self._name, self._versions, self._options)
        self._server.add_generic_rpc_handlers(services.handlers())
        self._server.start()
        self._versions.start()
        while not self._versions.looked.wait(0.1):
            if self._stopping.is_set():
                return
        states = self._versions.states()
        if not any(state.state == "AVAILABLE" for state in states):
            self.stop(0)
            reasons = "; ".join(f"version {state.version}: {state.error}" for state in reversed(states))
            raise ServingError(f"no version of {self._name} can be served ({reasons}); push a whole one with `forger run`")
        _LOGGER.info("serving %s on %s (gRPC)", self._name, self.target)

    def request_stop(self, *, at_once: bool = False) -> None:
        """Make `wait` return; safe in a signal handler.

        Args:
            at_once: Also end a drain that is under way: running requests are cancelled.
        """
        self._stopping.set()
        if at_once:
            self._server.stop(None)

    def wait(self) -> None:
        """Block until `request_stop`."""
        while not self._stopping.wait(1.0):
            pass

    def stop(self, drain_seconds: float | None = None) -> None:
        """Refuse new requests, let running ones finish, unload.

        Args:
            drain_seconds: How long running requests may take; None for the option's value.
        """
        self._stopping.set()
        if self._stopped:
            return
        self._stopped = True
        self._health.enter_graceful_shutdown()
        drained = self._server.stop(self._options.drain_seconds if drain_seconds is None else drain_seconds)
        self._health.end_watches()
        drained.wait()
        if self._versions is not None:
            self._versions.stop()

    def __enter__(self) -> GeneratorServer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def serve(
    model_base: Path, name: str, host: str = "127.0.0.1", port: int = 8500, options: ServerOptions | None = None
) -> signal.Signals | None:
    """Serve until SIGINT or SIGTERM, then drain. Call it from the main thread.

    Progress goes to the logger `forger.serving`: INFO for what happens, ERROR for a version that cannot be served.

    Args:
        model_base: Directory with one sub directory a version.
        name: The servable's name.
        host: Address to bind.
        port: Port to bind.
        options: Limits and times.

    Returns:
        The signal that ended it.

    Raises:
        ServingError: No version, none that loads, or the port is taken.
    """
    server = GeneratorServer(model_base, name, host, port, options)
    received: list[signal.Signals] = []

    def on_signal(number: int, _frame: object) -> None:
        server.request_stop(at_once=bool(received))  # a second signal means now
        received.append(signal.Signals(number))

    previous = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        server.start()
        server.wait()
        _LOGGER.info("stopping: no new requests, running ones may finish")
        server.stop()
    finally:
        server.stop(0)
        for number, handler in previous.items():
            signal.signal(number, handler)
    return received[0] if received else None


def _joined(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _check_address(host: str, port: int) -> None:
    """Bind once by hand: the operating system's reason is clearer than gRPC's, and gRPC prints lines of its own."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen(1)  # binding alone succeeds beside a listener that allows reuse
    except OSError as error:
        raise ServingError(f"cannot listen on {_joined(host, port)}: {error.strerror or error}; {_ADDRESS_MEND}") from error
