"""GetModelMetadata, GetModelStatus and health over a real channel."""

import shutil

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_service_pb2_grpc,
    prediction_service_pb2_grpc,
)

from serving.repository import contract
from tests.support.waiting import wait_until

_INVALID, _MISSING = grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND


@pytest.fixture
def channel(base, start):
    with grpc.insecure_channel(start(base).target) as channel:
        yield channel


def _refused(method, request, code, message):
    with pytest.raises(grpc.RpcError) as caught:
        method(request, timeout=30)
    assert (caught.value.code(), caught.value.details()) == (code, message)


def test_metadata_holds_the_signatures(channel):
    method = prediction_service_pb2_grpc.PredictionServiceStub(channel).GetModelMetadata
    request = get_model_metadata_pb2.GetModelMetadataRequest()
    _refused(method, request, _INVALID, "Missing ModelSpec")
    request.model_spec.name = "tiny"
    _refused(method, request, _INVALID, "GetModelMetadataRequest must specify at least one metadata_field")
    request.metadata_field.append("x")
    _refused(method, request, _INVALID, "Metadata field x is not supported")
    request.metadata_field[0] = "signature_def"
    response = method(request, timeout=30)
    assert (response.model_spec.name, response.model_spec.version.value) == ("tiny", 1)
    assert response.metadata["signature_def"].type_url == "type.googleapis.com/tensorflow.serving.SignatureDefMap"
    found = get_model_metadata_pb2.SignatureDefMap()
    assert response.metadata["signature_def"].Unpack(found)
    assert set(contract.SIGNATURES) <= set(found.signature_def)
    request.model_spec.name = "m"
    _refused(method, request, _MISSING, "Servable not found for request: Latest(m)")


def test_status(channel):
    method = model_service_pb2_grpc.ModelServiceStub(channel).GetModelStatus
    request = get_model_status_pb2.GetModelStatusRequest()
    _refused(method, request, _INVALID, "Missing ModelSpec")
    request.model_spec.name = "m"
    _refused(method, request, _MISSING, "Could not find any versions of model m")
    request.model_spec.name = "tiny"
    (status,) = method(request, timeout=30).model_version_status
    assert (status.version, status.state) == (1, get_model_status_pb2.ModelVersionStatus.AVAILABLE)
    assert (status.status.error_code, status.status.error_message) == (0, "")
    request.model_spec.version.value = 2
    _refused(method, request, _MISSING, "Could not find version 2 of model tiny")


def test_the_newest_version_comes_first(base, start):
    for version in (10, 9):
        shutil.copytree(base / "1", base / str(version))
    with grpc.insecure_channel(start(base).target) as channel:
        request = get_model_status_pb2.GetModelStatusRequest()
        request.model_spec.name = "tiny"

        def versions():
            answer = model_service_pb2_grpc.ModelServiceStub(channel).GetModelStatus(request, timeout=30)
            return [one.version for one in answer.model_version_status]

        assert versions() == [10]
        (base / "11").mkdir()
        wait_until(lambda: versions() == [11, 10])


def test_no_status_tells_where_files_lie(base, start):
    (base / "2").mkdir()
    with grpc.insecure_channel(start(base).target) as channel:
        request = get_model_status_pb2.GetModelStatusRequest()
        request.model_spec.name = "tiny"
        answer = model_service_pb2_grpc.ModelServiceStub(channel).GetModelStatus(request, timeout=30)
        assert answer.model_version_status[0].status.error_message == "<path> holds no saved_model.pb"


def test_health_tracks_the_model(channel):
    stub = health_pb2_grpc.HealthStub(channel)
    for service in ("", "tiny", contract.PREDICTION_SERVICE, contract.MODEL_SERVICE):
        answer = stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=30)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
    with pytest.raises(grpc.RpcError, match="NOT_FOUND"):
        stub.Check(health_pb2.HealthCheckRequest(service="x"), timeout=30)
