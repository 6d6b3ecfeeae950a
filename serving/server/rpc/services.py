"""TensorFlow Serving's PredictionService and ModelService for a gRPC server."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.message import DecodeError
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    model_management_pb2,
    predict_pb2,
    regression_pb2,
)

from serving.repository import contract
from serving.server.metrics import Metrics, Request
from serving.server.models.registry import ModelRegistry
from serving.server.requests import inference, model_info
from serving.server.requests.predict import Predictor, deadline_of
from serving.server.requests.refusals import Refusal

_LOGGER = logging.getLogger("forger.serving")
_ENTRYPOINT = "grpc"


def handlers(registry: ModelRegistry, predictor: Predictor, metrics: Metrics, root: Path) -> list[grpc.GenericRpcHandler]:
    """Make what a gRPC server registers.

    Args:
        registry: The models.
        predictor: Runs their signatures.
        metrics: Told every request.
        root: Where a reloaded configuration may find models.
    """
    predict, metadata, status = predict_pb2, get_model_metadata_pb2, get_model_status_pb2
    classify, regress, multi, manage = classification_pb2, regression_pb2, inference_pb2, model_management_pb2

    def unary(
        name: str, method: Callable[[Any, Request, grpc.ServicerContext], Any], request: type[Any], response: type[Any]
    ) -> grpc.RpcMethodHandler:
        def handler(message: bytes, context: grpc.ServicerContext) -> Any:
            with metrics.request(name, _ENTRYPOINT) as noted:
                try:
                    return method(request.FromString(message), noted, context)
                except Refusal as refusal:
                    code, details = refusal.code, refusal.message
                except DecodeError:
                    code, details = grpc.StatusCode.INVALID_ARGUMENT, f"the message is no {request.DESCRIPTOR.name}"
                except Exception:
                    _LOGGER.exception("%s failed", name)
                    code, details = grpc.StatusCode.INTERNAL, f"{name} failed, see the server's log"
                noted.code = code.name
            context.abort(code, details)

        # Without a deserializer: gRPC's own answer to bytes that are no message is INTERNAL.
        return grpc.unary_unary_rpc_method_handler(handler, response_serializer=response.SerializeToString)

    prediction = {
        "Predict": unary(
            "Predict",
            lambda message, noted, context: predictor.predict(message, noted, deadline_of(context)),
            predict.PredictRequest,
            predict.PredictResponse,
        ),
        "Classify": unary(
            "Classify",
            lambda message, *_: inference.refuse(registry, message, inference.CLASSIFY),
            classify.ClassificationRequest,
            classify.ClassificationResponse,
        ),
        "Regress": unary(
            "Regress",
            lambda message, *_: inference.refuse(registry, message, inference.REGRESS),
            regress.RegressionRequest,
            regress.RegressionResponse,
        ),
        "MultiInference": unary(
            "MultiInference",
            lambda message, *_: inference.refuse_multi(registry, message),
            multi.MultiInferenceRequest,
            multi.MultiInferenceResponse,
        ),
        "GetModelMetadata": unary(
            "GetModelMetadata",
            lambda message, *_: model_info.get_metadata(registry, message),
            metadata.GetModelMetadataRequest,
            metadata.GetModelMetadataResponse,
        ),
    }
    model = {
        "GetModelStatus": unary(
            "GetModelStatus",
            lambda message, *_: model_info.get_status(registry, message),
            status.GetModelStatusRequest,
            status.GetModelStatusResponse,
        ),
        "HandleReloadConfigRequest": unary(
            "HandleReloadConfigRequest",
            lambda message, *_: model_info.reload(registry, message, root),
            manage.ReloadConfigRequest,
            manage.ReloadConfigResponse,
        ),
    }
    return [
        grpc.method_handlers_generic_handler(contract.PREDICTION_SERVICE, prediction),
        grpc.method_handlers_generic_handler(contract.MODEL_SERVICE, model),
    ]
