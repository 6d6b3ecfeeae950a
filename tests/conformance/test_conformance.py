"""Runs both tables."""

import json

import grpc
import httpx
import pytest
from google.protobuf import text_format
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    model_management_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
    regression_pb2,
)

from tests.conformance import grpc_table, rest_table

_REQUESTS = {
    "Predict": predict_pb2.PredictRequest,
    "Classify": classification_pb2.ClassificationRequest,
    "Regress": regression_pb2.RegressionRequest,
    "MultiInference": inference_pb2.MultiInferenceRequest,
    "GetModelMetadata": get_model_metadata_pb2.GetModelMetadataRequest,
    "GetModelStatus": get_model_status_pb2.GetModelStatusRequest,
    "HandleReloadConfigRequest": model_management_pb2.ReloadConfigRequest,
}


@pytest.fixture(scope="module")
def channel(targets):
    with grpc.insecure_channel(targets[0]) as channel:
        yield channel


@pytest.fixture(scope="module")
def web(targets):
    with httpx.Client(base_url=f"http://{targets[1]}", timeout=30, trust_env=False) as client:
        yield client


def _says(message: str, expected: str) -> bool:
    return message.startswith(expected[:-3]) if expected.endswith("...") else expected in ("", message)


@pytest.mark.parametrize("case", grpc_table.CASES, ids=lambda case: f"{case.method}: {case.name}")
def test_grpc(channel, case):
    request = text_format.Parse(case.request, _REQUESTS[case.method]())
    prediction = prediction_service_pb2_grpc.PredictionServiceStub(channel)
    method = getattr(prediction, case.method, None) or getattr(model_service_pb2_grpc.ModelServiceStub(channel), case.method)
    try:
        response = method(request, timeout=30)
    except grpc.RpcError as error:
        assert error.code() is case.code, f"{error.details()!r}; {case.source}"
        assert _says(error.details(), case.message), f"{error.details()!r}; {case.source}"
    else:
        assert case.code is grpc.StatusCode.OK, f"answered {response}; {case.source}"
        case.check(response)


@pytest.mark.parametrize("case", rest_table.CASES, ids=lambda case: f"{case.method}: {case.name}")
def test_rest(web, case):
    body = case.body if isinstance(case.body, bytes | None) else json.dumps(case.body).encode()
    response = web.request(case.method, case.path, content=body)
    assert response.status_code == case.status, f"{response.text}; {case.source}"
    assert response.headers["content-type"].startswith("application/json")
    answer = response.json()
    if case.check:
        case.check(answer)
    else:
        assert set(answer) == {"error"}
        assert _says(answer["error"], case.error), f"{answer['error']!r}; {case.source}"
