"""The HTTP side as one Starlette application."""

from __future__ import annotations

import functools
import gzip
import logging
from typing import Any

import grpc
from anyio import CapacityLimiter, to_thread
from starlette.applications import Starlette
from starlette.convertors import Convertor, register_url_convertor
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send
from tensorflow_serving.apis import classification_pb2, get_model_metadata_pb2, get_model_status_pb2, regression_pb2

from serving.gallery.routes import gallery_routes
from serving.server.metrics import CONTENT_TYPE, Metrics
from serving.server.metrics import Request as Noted
from serving.server.models.registry import ModelRegistry
from serving.server.options import ServerOptions
from serving.server.requests import inference, model_info
from serving.server.requests.predict import Predictor
from serving.server.requests.refusals import Refusal, invalid
from serving.server.rest import json_requests, json_responses, paths
from serving.server.rest.bodies import BodyRefused, BodyRoom, Share, is_packed

_LOGGER = logging.getLogger("forger.serving")
_JSON = "application/json"
_LOOKING_THREADS = 8
_GROWTH = 4  # times the largest body: what Python may make of one
_SMALLEST_ZIPPED = 1024  # bytes
METRICS_PATH = "/monitoring/prometheus/metrics"  # TensorFlow Serving's default
# What each call is named in the metrics: as in gRPC.
_GRPC_METHODS = {
    "predict": "Predict",
    "classify": "Classify",
    "regress": "Regress",
    "metadata": "GetModelMetadata",
    "status": "GetModelStatus",
}
# As model_servers/http_server.cc maps them.
_HTTP = {
    "OK": 200,
    "CANCELLED": 499,
    "INVALID_ARGUMENT": 400,
    "DEADLINE_EXCEEDED": 504,
    "NOT_FOUND": 404,
    "PERMISSION_DENIED": 403,
    "RESOURCE_EXHAUSTED": 429,
    "FAILED_PRECONDITION": 400,
    "OUT_OF_RANGE": 400,
    "UNIMPLEMENTED": 501,
    "UNAVAILABLE": 503,
}


class _AnyCaseV1(Convertor[str]):
    """TensorFlow Serving's paths are the same in capitals."""

    regex = "[vV]1"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("v1", _AnyCaseV1())


def build_app(
    registry: ModelRegistry, predictor: Predictor, metrics: Metrics, options: ServerOptions, target: str, gallery_model: str
) -> Starlette:
    """Put together TensorFlow Serving's paths, the metrics and the gallery.

    Args:
        registry: The models.
        predictor: Runs their signatures.
        metrics: Told every request, and shown.
        options: Limits.
        target: gRPC address through which the gallery draws.
        gallery_model: The model that the gallery shows.
    """
    api = _Api(registry, predictor, metrics, options)

    async def scrape(_request: Request) -> Response:
        # Its own threads: those that predict may all be busy.
        return Response(await to_thread.run_sync(metrics.page, limiter=api.looks), media_type=CONTENT_TYPE)

    async def elsewhere(request: Request, _error: Exception) -> Response:
        return Response(json_responses.error(f"no such page: {request.url.path}"), 404, media_type=_JSON)

    return Starlette(
        routes=[
            # An object as endpoint takes every HTTP method: TensorFlow Serving answers a wrong one itself.
            Route("/{v1:v1}/{path:path}", api),
            Route(METRICS_PATH, scrape),
            *gallery_routes(
                target,
                functools.partial(describe_versions, registry, gallery_model),
                lambda: not registry.looked.is_set(),
                model_name=gallery_model,
            ),
        ],
        exception_handlers={404: elsewhere},
    )


def describe_versions(registry: ModelRegistry, name: str) -> list[dict[str, Any]]:
    """What the gallery shows of a model's versions, oldest first."""
    model = registry.models().get(name)
    if model is None:
        return []
    metadata = {loaded.number: loaded.servable.metadata for loaded in model.available()}
    labels = model.labels()
    return [
        {
            "version": state.version,
            "state": state.state,
            "failed": bool(state.error),
            "labels": sorted(label for label, version in labels.items() if version == state.version),
            "gate": metadata.get(state.version, {}).get("gate"),
            "metadata": metadata.get(state.version, {}),
        }
        for state in model.states()
    ]


class _Api:
    """TensorFlow Serving's REST API (model_servers/http_rest_api_handler.cc)."""

    def __init__(self, registry: ModelRegistry, predictor: Predictor, metrics: Metrics, options: ServerOptions) -> None:
        self._registry, self._predictor, self._metrics, self._options = registry, predictor, metrics, options
        self._room = BodyRoom(options.max_message_bytes)
        self.looks, self._calls = CapacityLimiter(_LOOKING_THREADS), CapacityLimiter(options.workers)
        self._open = 0  # calls that are handled or wait for a thread

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        with self._room.share() as share:
            try:
                response = await self._respond(request, share)
            except ClientDisconnect:
                return
            except BodyRefused as error:
                # What is left of the body is not read.
                response = Response(json_responses.error(str(error)), error.status, {"connection": "close"}, _JSON)
        await response(scope, receive, send)

    async def _respond(self, request: Request, share: Share) -> Response:
        packed = is_packed(request.headers.get("content-encoding", ""))
        sent = await share.read(request.stream())
        looks = request.method == "GET"
        if not looks and self._open >= self._options.max_calls:
            message = f"{self._options.max_calls} calls are open already: try again later"
            return Response(json_responses.error(message), _HTTP["RESOURCE_EXHAUSTED"], media_type=_JSON)
        path = request.scope["raw_path"].decode("latin-1")
        zipped = "gzip" in request.headers.get("accept-encoding", "")

        def answer() -> Response:
            code, content = self._answer(request.method, path, share.unpack(sent) if packed else sent)
            headers = {"vary": "Accept-Encoding"}
            if zipped and len(content) > _SMALLEST_ZIPPED:  # here, not in the event loop
                content, headers["content-encoding"] = gzip.compress(content, 1), "gzip"
            return Response(content, code, headers, _JSON)

        self._open += not looks
        try:
            return await to_thread.run_sync(answer, limiter=self.looks if looks else self._calls)
        finally:
            self._open -= not looks

    def _answer(self, http_method: str, path: str, body: bytes) -> tuple[int, bytes]:
        """Answer in a worker thread: status code and body."""
        try:
            wanted = paths.parse(http_method, path)
        except Refusal as refusal:
            return _HTTP[refusal.code.name], json_responses.error(refusal.message)
        with self._metrics.request(_GRPC_METHODS[wanted.method], "rest") as noted:
            try:
                return 200, self._handle(wanted, body, noted)
            except Refusal as refusal:
                code, message = refusal.code, refusal.message
            except Exception:
                _LOGGER.exception("%s failed", wanted.method)
                code, message = grpc.StatusCode.INTERNAL, f"{wanted.method} failed, see the server's log"
            noted.code = code.name
        return _HTTP.get(code.name, 500), json_responses.error(message)

    def _handle(self, wanted: paths.Target, body: bytes, noted: Noted) -> bytes:
        match wanted.method:
            case "predict":
                return self._predict(wanted, body, noted)
            case "metadata":
                request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=[model_info.SIGNATURE_DEF])
                request.model_spec.CopyFrom(wanted.spec)
                return json_responses.metadata(model_info.get_metadata(self._registry, request))
            case "status":
                request = get_model_status_pb2.GetModelStatusRequest(model_spec=wanted.spec)
                return json_responses.status(model_info.get_status(self._registry, request))
            case "classify":
                request = classification_pb2.ClassificationRequest(model_spec=wanted.spec)
                inference.refuse(self._registry, request, inference.CLASSIFY)
            case "regress":
                request = regression_pb2.RegressionRequest(model_spec=wanted.spec)
                inference.refuse(self._registry, request, inference.REGRESS)
        raise AssertionError(wanted.method)

    def _predict(self, wanted: paths.Target, body: bytes, noted: Noted) -> bytes:
        request = json_requests.parse(body, self._options.max_message_bytes * _GROWTH)
        wanted.spec.signature_name = request.signature_name
        answer = self._predictor.run(
            wanted.spec,
            lambda signature: request.read(signature, self._options),
            noted,
            unknown=lambda name: invalid(f'Serving signature name: "{name}" not found in signature def'),
        )
        return json_responses.prediction(answer.outputs, rows=request.rows, most=self._options.max_message_bytes)
