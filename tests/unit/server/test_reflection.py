"""Reflection describes every service, well enough to call it with what it says."""

import grpc
import numpy as np
import pytest
from google.protobuf import message_factory
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_reflection.v1alpha import reflection_pb2
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from serving.repository import contract


@pytest.fixture
def channel(base, start):
    with grpc.insecure_channel(start(base).target) as channel:
        yield channel


def test_services(channel):
    database = ProtoReflectionDescriptorDatabase(channel)
    expected = {contract.PREDICTION_SERVICE, contract.MODEL_SERVICE, "grpc.health.v1.Health"}
    assert expected < set(database.get_services())
    pool = DescriptorPool(database)
    methods = [method.name for method in pool.FindServiceByName(contract.PREDICTION_SERVICE).methods]
    assert sorted(methods) == ["Classify", "GetModelMetadata", "MultiInference", "Predict", "Regress"]
    methods = [method.name for method in pool.FindServiceByName(contract.MODEL_SERVICE).methods]
    assert sorted(methods) == ["GetModelStatus", "HandleReloadConfigRequest"]
    assert pool.FindServiceByName("grpc.health.v1.Health").methods_by_name["Check"].input_type.name == "HealthCheckRequest"


def test_a_client_without_proto_files_can_call(channel):
    pool = DescriptorPool(ProtoReflectionDescriptorDatabase(channel))
    method = pool.FindServiceByName(contract.PREDICTION_SERVICE).methods_by_name["Predict"]
    request = message_factory.GetMessageClass(method.input_type)()
    request.model_spec.name, request.model_spec.signature_name = "tiny", "sample"
    for alias in ("seed", "label"):
        request.inputs[alias].dtype = 9
        request.inputs[alias].tensor_shape.dim.add(size=2)
        request.inputs[alias].tensor_content = np.array([1, 2], np.int64).tobytes()
    call = channel.unary_unary(
        f"/{contract.PREDICTION_SERVICE}/{method.name}",
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=message_factory.GetMessageClass(method.output_type).FromString,
    )
    assert list(call(request, timeout=30).outputs["label"].int64_val) == [1, 2]


_PREDICT = f"{contract.PREDICTION_SERVICE}.Predict"


@pytest.mark.parametrize("version", ["v1alpha", "v1"])
@pytest.mark.parametrize(
    ("symbol", "file"),
    [
        (_PREDICT, "tensorflow_serving/apis/prediction_service.proto"),
        (f"{contract.MODEL_SERVICE}.GetModelStatus", "tensorflow_serving/apis/model_service.proto"),
        ("grpc.health.v1.Health.Watch", "grpc_health/v1/health.proto"),
        ("tensorflow.serving.PredictRequest.inputs", "tensorflow_serving/apis/predict.proto"),
        ("tensorflow.serving.ModelSpec.version_choice", "tensorflow_serving/apis/model.proto"),
        ("tensorflow.DataType", "tensorflow/core/framework/types.proto"),
        ("tensorflow.DT_FLOAT", "tensorflow/core/framework/types.proto"),
        (f"{_PREDICT}ion", None),
        ("tensorflow.serving.Nothing.Predict", None),
        ("Predict", None),
        ("", None),
    ],
)
def test_symbols(channel, version, symbol, file):
    """What ghz, `grpcurl describe` and their like ask for, under both names of reflection."""
    ask = channel.stream_stream(
        f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
        request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
        response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
    )
    (answer,) = ask(iter([reflection_pb2.ServerReflectionRequest(file_containing_symbol=symbol)]), timeout=30)
    if file is None:
        assert answer.error_response.error_code == grpc.StatusCode.NOT_FOUND.value[0]
    else:
        protos = answer.file_descriptor_response.file_descriptor_proto
        assert FileDescriptorProto.FromString(protos[0]).name == file


def test_reflection_describes_itself_by_both_names(channel):
    pool = DescriptorPool(ProtoReflectionDescriptorDatabase(channel))
    for version in ("v1alpha", "v1"):
        (method,) = pool.FindServiceByName(f"grpc.reflection.{version}.ServerReflection").methods
        assert method.input_type.full_name == f"grpc.reflection.{version}.ServerReflectionRequest"
