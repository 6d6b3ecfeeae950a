"""Predict over a real channel, with TensorFlow Serving's own codes and messages."""

import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.framework import types_pb2
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from serving.repository import contract
from serving.saved_model.generator import LocalGenerator
from serving.server.options import ServerOptions
from tests.support.predict_requests import predict_request

_INVALID, _MISSING = grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND


@pytest.fixture(scope="module")
def stub(tiny, tmp_path_factory):
    import shutil

    from serving.server.app import GeneratorServer

    base = tmp_path_factory.mktemp("base")
    shutil.copytree(tiny, base / "3")
    server = GeneratorServer(base, "tiny", port=0, options=ServerOptions(max_rows=64))
    with server, grpc.insecure_channel(server.target) as channel:
        yield prediction_service_pb2_grpc.PredictionServiceStub(channel)


def _request(signature="sample", name="tiny", **inputs):
    return predict_request(name, signature, **(inputs or {"seed": [1, 2], "label": [-1, 4]}))


def _refused(stub, request, code, message, **call):
    with pytest.raises(grpc.RpcError) as caught:
        stub.Predict(request, timeout=30, **call)
    assert (caught.value.code(), caught.value.details()) == (code, message)


def test_sample_answers_what_the_model_draws(stub, tiny):
    response = stub.Predict(_request(), timeout=30)
    assert response.model_spec.name == "tiny"
    assert response.model_spec.version.value == 3
    assert response.model_spec.signature_name == "sample"
    images, labels = LocalGenerator(tiny).sample([1, 2], [-1, 4])
    assert np.array_equal(tf.make_ndarray(response.outputs["image"]), images)
    assert np.array_equal(tf.make_ndarray(response.outputs["label"]), labels)
    assert set(response.outputs) == {"image", "label"}


def test_answers_are_typed_fields(stub):
    image = stub.Predict(_request(), timeout=30).outputs["image"]
    assert image.dtype == types_pb2.DT_UINT8
    assert image.tensor_content == b""
    assert len(image.int_val) == 2 * 784
    assert [dim.size for dim in image.tensor_shape.dim] == [2, 28, 28, 1]


def test_the_default_signature_answers_floats(stub, tiny):
    request = _request(signature="", latent=np.eye(3, 4), label=[0, 1, 2])
    response = stub.Predict(request, timeout=30)
    assert response.model_spec.signature_name == contract.SIGNATURE_DEFAULT
    image = response.outputs["image"]
    assert len(image.float_val) == 3 * 784
    assert np.array_equal(tf.make_ndarray(image), LocalGenerator(tiny).sample_latent(np.eye(3, 4), [0, 1, 2]))


def test_pngs(stub, tiny):
    response = stub.Predict(_request("sample_png"), timeout=30)
    pngs = response.outputs["png_bytes"].string_val
    images, _ = LocalGenerator(tiny).sample([1, 2], [-1, 4])
    assert [np.array_equal(tf.io.decode_png(png).numpy(), image) for png, image in zip(pngs, images, strict=True)] == [True, True]


def test_output_filter(stub):
    request = _request()
    request.output_filter.append("label")
    assert set(stub.Predict(request, timeout=30).outputs) == {"label"}


def test_no_rows(stub):
    response = stub.Predict(_request(seed=[], label=[]), timeout=30)
    assert tf.make_ndarray(response.outputs["image"]).shape == (0, 28, 28, 1)


def test_the_served_version_by_number(stub):
    request = _request()
    request.model_spec.version.value = 3
    assert stub.Predict(request, timeout=30).model_spec.version.value == 3


def test_model_specs(stub):
    _refused(stub, predict_pb2.PredictRequest(), _INVALID, "Missing ModelSpec")
    _refused(stub, _request(name=""), _INVALID, "ModelSpec has no name specified.")
    _refused(stub, _request(name="m"), _MISSING, "Servable not found for request: Latest(m)")
    request = _request(name="m")
    request.model_spec.version.value = 3
    _refused(stub, request, _MISSING, "Servable not found for request: Specific(m, 3)")
    request = _request()
    request.model_spec.version.value = 4
    _refused(stub, request, _MISSING, "Servable not found for request: Specific(tiny, 4)")
    request.model_spec.version_label = "x"
    _refused(stub, request, _INVALID, "Unrecognized servable version label: x")


@pytest.mark.parametrize("name", ["x", "__saved_model_init_op"])
def test_unknown_signature(stub, name):
    _refused(stub, _request(name), grpc.StatusCode.FAILED_PRECONDITION, f'Serving signature key "{name}" not found.')


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (
            {"seed": [1]},
            "input size does not match signature: 1!=2 len({seed}) != len({label,seed}). "
            "Sent extra: {}. Missing but required: {label}.",
        ),
        (
            {"seed": [1], "label": [1], "x": [1]},
            "input size does not match signature: 3!=2 len({label,seed,x}) != len({label,seed}). "
            "Sent extra: {x}. Missing but required: {}.",
        ),
        (
            {"seed": [1], "x": [1]},
            "Signature input alias: label(feed name: sample_label:0) not found in request and no default value provided. "
            "Inputs expected to be in the request {seed,x}, or default input alias set: ",
        ),
        ({"seed": [[1]], "label": [1]}, "input seed must have shape [-1], got [1, 1]"),
        ({"seed": [1, 2], "label": [1]}, "inputs have different numbers of rows: label 1, seed 2"),
        (
            {"seed": [1] * 65, "label": [1] * 65},
            "input label has 65 rows, the limit is 64 rows in one request: send fewer at a time",
        ),
        ({"seed": [1], "label": [10]}, "assertion failed: [label outside the classes] [10]"),
    ],
)
def test_inputs(stub, inputs, message):
    _refused(stub, _request(**inputs), _INVALID, message)


def test_latents_of_another_size(stub):
    request = _request(signature="", latent=np.zeros((2, 5)), label=[0, 1])
    _refused(stub, request, _INVALID, "input latent must have shape [-1, 4], got [2, 5]")


def test_tensors_that_contradict_themselves(stub):
    request = _request()
    request.inputs["seed"].dtype = types_pb2.DT_FLOAT
    _refused(stub, request, _INVALID, "input seed must be DT_INT64, got DT_FLOAT")
    request.inputs["seed"].dtype = 12345
    _refused(stub, request, _INVALID, "input seed must be DT_INT64, got unknown dtype 12345")
    request = _request()
    request.inputs["seed"].tensor_content = b"123"
    _refused(stub, request, _INVALID, "tensor parsing error: seed")
    request = _request()
    request.inputs["seed"].tensor_shape.unknown_rank = True
    _refused(stub, request, _INVALID, "tensor parsing error: seed")
    request = _request()
    request.inputs["seed"].tensor_shape.dim[0].size = -7
    _refused(stub, request, _INVALID, "input seed must have shape [-1], got [-7]")


def test_a_claimed_size_is_refused_before_it_is_allocated(stub):
    request = _request()
    request.inputs["label"].tensor_shape.dim[0].size = 2**60
    with pytest.raises(grpc.RpcError, match="the limit is 64 rows"):
        stub.Predict(request, timeout=30)


def test_output_filters(stub):
    request = _request()
    request.output_filter.extend(["image", "x"])
    message = "output tensor alias not found in signature: x Outputs expected to be in the set {image,label}."
    _refused(stub, request, _INVALID, message)
    request.output_filter[1] = "image"
    _refused(stub, request, _INVALID, "duplicate output tensor alias: image")
