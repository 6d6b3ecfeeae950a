"""gRPC reflection, so that tools such as grpcurl need no .proto files.

tensorflow-serving-api's own descriptors of the two services do not load under protobuf 6, but those of all their messages do. So
the services are described here, in a descriptor pool of their own.
"""

from __future__ import annotations

from typing import Any

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool
from google.protobuf.descriptor import Descriptor
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection, reflection_pb2
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

# File, service, and each method's request and answer.
_SERVICES = {
    "tensorflow_serving/apis/prediction_service.proto": (
        contract.PREDICTION_SERVICE,
        {
            "Classify": (classification_pb2.ClassificationRequest, classification_pb2.ClassificationResponse),
            "Regress": (regression_pb2.RegressionRequest, regression_pb2.RegressionResponse),
            "Predict": (predict_pb2.PredictRequest, predict_pb2.PredictResponse),
            "MultiInference": (inference_pb2.MultiInferenceRequest, inference_pb2.MultiInferenceResponse),
            "GetModelMetadata": (
                get_model_metadata_pb2.GetModelMetadataRequest,
                get_model_metadata_pb2.GetModelMetadataResponse,
            ),
        },
    ),
    "tensorflow_serving/apis/model_service.proto": (
        contract.MODEL_SERVICE,
        {
            "GetModelStatus": (get_model_status_pb2.GetModelStatusRequest, get_model_status_pb2.GetModelStatusResponse),
            "HandleReloadConfigRequest": (
                model_management_pb2.ReloadConfigRequest,
                model_management_pb2.ReloadConfigResponse,
            ),
        },
    ),
}


def enable(server: grpc.Server) -> None:
    """Register reflection of all services that the embedded server has."""
    pool = descriptor_pool.DescriptorPool()
    for path, (service, methods) in _SERVICES.items():
        _add_service(pool, path, service, methods)
    for file in (health_pb2.DESCRIPTOR, reflection_pb2.DESCRIPTOR):
        _add_file(pool, file)
    names = [contract.PREDICTION_SERVICE, contract.MODEL_SERVICE, "grpc.health.v1.Health", reflection.SERVICE_NAME]
    reflection.enable_server_reflection(names, server, pool=pool)


def _add_service(pool: descriptor_pool.DescriptorPool, path: str, service: str, methods: dict) -> None:
    package, _, name = service.rpartition(".")
    file = descriptor_pb2.FileDescriptorProto(name=path, package=package, syntax="proto3")
    described = file.service.add(name=name)
    for method, messages in methods.items():
        request, response = (message.DESCRIPTOR for message in messages)
        described.method.add(name=method, input_type=_type(request), output_type=_type(response))
        for message in (request, response):
            _add_file(pool, message.file)
            if message.file.name not in file.dependency:
                file.dependency.append(message.file.name)
    pool.Add(file)


def _add_file(pool: descriptor_pool.DescriptorPool, file: Any) -> None:
    """Copy a file and all that it depends on into the pool."""
    for dependency in file.dependencies:
        _add_file(pool, dependency)
    proto = descriptor_pb2.FileDescriptorProto()
    file.CopyToProto(proto)
    pool.Add(proto)  # adding the same file again changes nothing


def _type(message: Descriptor) -> str:
    return f".{message.full_name}"
