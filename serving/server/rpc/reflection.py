"""gRPC reflection, so that tools such as grpcurl need no .proto files.

tensorflow-serving-api's own descriptors of the two services do not load under protobuf 6, but those of all their messages do. So
the services are described here, in a descriptor pool of their own.

Reflection answers under both of its names: older tools ask `grpc.reflection.v1alpha`, newer ones `grpc.reflection.v1` first. The
messages of the two are the same on the wire.
"""

from __future__ import annotations

from typing import Any

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, text_format
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
from serving.server.rpc.workers import OwnThreads, Workers

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

_V1 = "grpc.reflection.v1.ServerReflection"
_THREADS, _MOST = 4, 32  # streams that are answered, and that are open, at once
_HURRY_SECONDS = 1.0  # a stream may rest where others wait
# How a descriptor of each kind is found, and where it keeps its members by name.
_MEMBERS = (
    ("FindServiceByName", ("methods_by_name",)),
    ("FindMessageTypeByName", ("fields_by_name", "oneofs_by_name")),
    ("FindEnumTypeByName", ("values_by_name",)),
)


def enable(server: grpc.Server) -> None:
    """Register reflection of all services that the embedded server has."""
    pool = descriptor_pool.DescriptorPool()
    for path, (service, methods) in _SERVICES.items():
        _add_service(pool, path, service, methods)
    for file in (health_pb2.DESCRIPTOR, reflection_pb2.DESCRIPTOR):
        _add_file(pool, file)
    pool.Add(_reflection_v1())
    names = [contract.PREDICTION_SERVICE, contract.MODEL_SERVICE, "grpc.health.v1.Health", reflection.SERVICE_NAME, _V1]
    servicer = reflection.ReflectionServicer(names, pool=_Symbols(pool))
    # A stream keeps its thread until it ends: never one of those that predict.
    threads = Workers(_THREADS, _MOST, hurry_seconds=_HURRY_SECONDS, name="forger-reflection")
    handler = grpc.stream_stream_rpc_method_handler(
        OwnThreads(servicer.ServerReflectionInfo, threads),
        request_deserializer=reflection_pb2.ServerReflectionRequest.FromString,
        response_serializer=reflection_pb2.ServerReflectionResponse.SerializeToString,
    )
    server.add_generic_rpc_handlers([
        grpc.method_handlers_generic_handler(name, {"ServerReflectionInfo": handler}) for name in (reflection.SERVICE_NAME, _V1)
    ])  # fmt: skip


class _Symbols:
    """A descriptor pool that also finds what lies inside a service, message or enum, which protobuf's own finds in part.

    Tools ask for `<service>.<method>`; the protocol allows every fully qualified name.
    """

    def __init__(self, pool: descriptor_pool.DescriptorPool) -> None:
        self._pool = pool

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pool, name)

    def FindFileContainingSymbol(self, symbol: str) -> Any:
        """The file that declares a symbol.

        Raises:
            KeyError: None does.
        """
        try:
            return self._pool.FindFileContainingSymbol(symbol)
        except KeyError:
            owner, _, member = symbol.rpartition(".")
            for find, members in _MEMBERS:
                try:
                    found = getattr(self._pool, find)(owner)
                except KeyError:
                    continue
                if any(member in getattr(found, by_name) for by_name in members):
                    return found.file
            raise


def _reflection_v1() -> descriptor_pb2.FileDescriptorProto:
    """The file of `grpc.reflection.v1`, which no Python package carries: v1alpha's under another name."""
    proto = descriptor_pb2.FileDescriptorProto()
    reflection_pb2.DESCRIPTOR.CopyToProto(proto)
    text = text_format.MessageToString(proto).replace("v1alpha", "v1")
    return text_format.Parse(text, descriptor_pb2.FileDescriptorProto())


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
