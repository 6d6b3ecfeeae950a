"""The embedded server as one object."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2_grpc

from serving.repository.errors import UserError
from serving.repository.layout import version_directories
from serving.server.listening import PrivateSocket, cannot_listen, check_address, dialable, joined
from serving.server.models import config_file
from serving.server.models.model_config import LATEST, ModelConfig, VersionPolicy, skipped_directories
from serving.server.options import ServerOptions
from serving.server.rest.origins import check_origins
from serving.server.rest.thread import RestThread
from serving.server.rpc.admission import HELD, Admission
from serving.server.rpc.arrivals import Arrivals
from serving.server.rpc.health import ModelHealth
from serving.server.rpc.workers import Workers
from serving.server.tls import Tls

_LOGGER = logging.getLogger("forger.serving")
# Clients may ask for a sign of life every 10 s, with or without calls: gRPC's own limit is 5 minutes, or 2 hours without calls,
# and whoever asks more often is cut off (GOAWAY too_many_pings). Half of that is allowed, for pings that arrive in a bunch. The
# server asks too, so that a peer that went away without a word doesn't hold a connection, and a health watch, for ever.
_KEEPALIVE = (
    ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_ping_strikes", 2),
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
)
# How long a worker waits for a message where other calls wait for a worker: 16 MiB over 30 Mbit/s.
_HURRY_SECONDS = 5.0


class GeneratorServer:
    """Answers TensorFlow Serving's gRPC contract, and its REST one where asked to.

    Example:
        >>> with GeneratorServer(base, "mnist_gan", port=0) as server:  # doctest: +SKIP
        ...     print(server.target)
    """

    def __init__(
        self,
        model_base: Path,
        name: str,
        host: str = "127.0.0.1",
        port: int = 8500,
        options: ServerOptions | None = None,
        *,
        rest_port: int | None = None,
        tls: Tls | None = None,
        policy: VersionPolicy | None = None,
        labels: Mapping[str, int] | None = None,
        models_file: Path | None = None,
        cors_origins: Sequence[str] = (),
    ) -> None:
        """Bind the ports.

        Args:
            model_base: Directory with one sub directory a version.
            name: The servable's name that clients ask for. The gallery shows it, or the first of a models file that lacks it.
            host: Address to bind; the default is reachable from this machine only.
            port: gRPC port, 0 for any free one, see `port` afterwards.
            options: Limits and times.
            rest_port: Port for REST, metrics and the gallery; 0 for any free one, None for none.
            tls: Encrypt both ports.
            policy: Which versions are served. Without it and without labels the models.config beside the base decides.
            labels: Versions by label.
            models_file: A models.config that lists all models to serve, in place of the model base.
            cors_origins: Whose pages may use REST from a browser.

        Raises:
            UserError: No version there, a file that cannot be read, or a port that is taken.
        """
        base = Path(model_base).absolute()
        self._host, self._tls, self._cors_origins = host, tls, check_origins(cors_origins)
        self._options = options or ServerOptions()
        self._models, self._file = _models(ModelConfig(name, base, policy or LATEST, labels or {}), policy, labels, models_file)
        names = [model.name for model in self._models]
        self.name = name if name in names else names[0]
        self._root = base.parent if models_file is None else models_file.absolute().parent
        if tls:
            tls.check()
        self._by_hand = policy is not None or labels is not None
        self._health = ModelHealth()
        self._stopping = threading.Event()
        self._stopped = False
        self._registry = None
        self._rest: RestThread | None = None
        workers = Workers(self._options.workers, self._options.max_calls, hurry_seconds=_HURRY_SECONDS)
        self._arrivals = Arrivals(workers, self._options.message_seconds)
        self._server = grpc.server(
            workers,
            interceptors=[Admission(), self._arrivals],
            maximum_concurrent_rpcs=self._options.max_calls + HELD,
            options=[
                ("grpc.so_reuseport", 0),  # else a second server on the same port would start and share the calls
                ("grpc.max_receive_message_length", self._options.max_message_bytes),
                ("grpc.max_send_message_length", self._options.max_message_bytes),
                *_KEEPALIVE,
            ],
        )
        check_address(host, port, "--port")
        try:
            address = joined(host, port)
            self.port = (
                self._server.add_secure_port(address, tls.credentials()) if tls else self._server.add_insecure_port(address)
            )
        except RuntimeError as error:
            raise cannot_listen(host, port, error, "--port") from error
        # The gallery draws through gRPC like everybody else; where that port asks for certificates it has a way of its own.
        self._private = PrivateSocket(self._server) if tls and rest_port is not None else None
        if rest_port is not None:
            self._rest = RestThread(host, rest_port, tls)

    @property
    def target(self) -> str:
        """The gRPC address for a client."""
        return joined(self._host, self.port)

    @property
    def rest_target(self) -> str | None:
        """The REST address for a client, HOST:PORT; None without REST."""
        return joined(self._host, self._rest.port) if self._rest else None

    @property
    def gallery_target(self) -> str:
        """The gRPC address that needs no certificate, for the gallery in this process."""
        return self._private.target if self._private else joined(dialable(self._host), self.port)

    def start(self) -> None:
        """Answer health checks, load and warm up what is to be served, then be available.

        Raises:
            UserError: Nothing that is asked for can be loaded, or a label given by hand is of a version that is not served.
        """
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        # TensorFlow takes seconds to import; whoever only asks for a port that is taken should not wait for it.
        from serving.saved_model.quiet import start_tensorflow

        start_tensorflow()
        from serving.server.metrics import Metrics
        from serving.server.models.registry import ModelRegistry
        from serving.server.models.start import start_problem
        from serving.server.requests.predict import Predictor
        from serving.server.rest.app import build_app
        from serving.server.rest.connections import Limits
        from serving.server.rest.front import behind_front
        from serving.server.rpc import reflection, services

        metrics = Metrics()
        registry = ModelRegistry(self._models, self._options, metrics, self._health.update, self._file)
        predictor = Predictor(registry, self._options)
        self._registry = registry
        self._server.add_generic_rpc_handlers(services.handlers(registry, predictor, metrics, self._root))
        reflection.enable(self._server)
        self._arrivals.start()
        self._server.start()
        if self._rest:
            app = build_app(registry, predictor, metrics, self._options, self.gallery_target, self.name)
            limits = Limits(body_seconds=self._options.message_seconds)
            self._rest.start(behind_front(app, self._host, self._cors_origins), limits)
        registry.start()
        while not registry.looked.wait(0.1):
            if self._stopping.is_set():
                return
        problem = start_problem(registry.models(), self._file, by_hand=self._by_hand)
        if problem:
            self.stop(0)
            raise UserError(problem)
        rest = f", on {'https' if self._tls else 'http'}://{self.rest_target} (REST, gallery)" if self._rest else ""
        _LOGGER.info("serving %s on %s (gRPC)%s", ", ".join(sorted(registry.models())), self.target, rest)

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
        end = time.monotonic() + (self._options.drain_seconds if drain_seconds is None else drain_seconds)
        self._health.enter_graceful_shutdown()
        if self._rest:
            self._rest.stop(end - time.monotonic())  # first: a page that is being answered still draws through gRPC
        drained = self._server.stop(max(end - time.monotonic(), 0))
        self._health.end_watches()
        drained.wait()
        self._arrivals.stop()
        if self._private:
            self._private.close()
        if self._registry is not None:
            self._registry.stop()

    def __enter__(self) -> GeneratorServer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _models(
    model: ModelConfig, policy: VersionPolicy | None, labels: Mapping[str, int] | None, models_file: Path | None
) -> tuple[list[ModelConfig], config_file.ConfigFile | None]:
    """What is served at first, and the file that may change it."""
    if models_file is not None:
        file = config_file.standalone(models_file)
        return file.read(), file
    if not version_directories(model.base):
        why = "; ".join(skipped_directories(model)) or "run `forger run` first"
        raise UserError(f"no model pushed yet: {model.base} holds no version; {why}")
    if policy is not None or labels is not None:
        return [model], None
    file = config_file.beside(model)
    try:
        return file.read(), file
    except UserError as error:
        # To serve the newest could bring back what a rollback left.
        raise UserError(f"{error}; mend it, or delete it to serve the newest version") from error
