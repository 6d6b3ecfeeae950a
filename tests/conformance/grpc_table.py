"""gRPC: requests as text protos, and what they are answered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import grpc
import numpy as np
import tensorflow as tf
from tensorflow.core.framework import types_pb2
from tensorflow_serving.apis import get_model_metadata_pb2, get_model_status_pb2

_OK, _INVALID, _MISSING = grpc.StatusCode.OK, grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND
_PRECONDITION = grpc.StatusCode.FAILED_PRECONDITION
_PREDICT, _UTIL = "servables/tensorflow/predict_impl.cc", "servables/tensorflow/predict_util.cc"
_CORE, _META = "model_servers/server_core.cc", "servables/tensorflow/get_model_metadata_impl.cc"
_STATUS, _RELOAD = "model_servers/get_model_status_impl.cc", "model_servers/model_service_impl.cc"
_MULTI, _MANAGER = "servables/tensorflow/multi_inference.cc", "core/basic_manager.cc"
_CLASSIFIER, _REGRESSOR = "servables/tensorflow/classifier.cc", "servables/tensorflow/regressor.cc"
_LOADER = "tensorflow/cc/saved_model/util.cc in tensorflow/tensorflow"


@dataclass(frozen=True)
class Case:
    """One row.

    Attributes:
        name: Of the test.
        method: Of PredictionService or ModelService.
        request: A text proto.
        code: The answer's status.
        message: What an error says, exactly; with "..." at its end only the beginning; "" where no source fixes it.
        source: Where that is written, in TensorFlow Serving's repository.
        check: Looks at an answer that is OK; gets the answer.
    """

    name: str
    method: str
    request: str
    code: grpc.StatusCode
    message: str
    source: str
    check: Callable[[Any], None] | None = None


def _spec(signature: str = "sample", name: str = "tiny", more: str = "") -> str:
    return f'model_spec {{ name: "{name}" signature_name: "{signature}" {more} }} '


def _input(alias: str, *values: float, dtype: str = "DT_INT64", shape: tuple[int, ...] | None = None) -> str:
    field = {"DT_INT64": "int64_val", "DT_FLOAT": "float_val"}[dtype]
    dims = " ".join(f"dim {{ size: {size} }}" for size in (shape if shape is not None else (len(values),)))
    numbers = " ".join(f"{field}: {value}" for value in values)
    return f'inputs {{ key: "{alias}" value {{ dtype: {dtype} tensor_shape {{ {dims} }} {numbers} }} }} '


_ROWS = _input("seed", 1, 2) + _input("label", -1, 4)


def _sampled(response) -> None:
    spec = response.model_spec
    assert (spec.name, spec.version.value, spec.signature_name) == ("tiny", 3, "sample")
    assert set(response.outputs) == {"image", "label"}
    image, label = response.outputs["image"], response.outputs["label"]
    assert (image.dtype, label.dtype) == (types_pb2.DT_UINT8, types_pb2.DT_INT64)
    assert [dim.size for dim in image.tensor_shape.dim] == [2, 28, 28, 1]
    assert (len(image.int_val), image.tensor_content) == (2 * 784, b"")  # typed fields are the default
    assert tf.make_ndarray(label)[1] == 4


def _drawn(response) -> None:
    assert response.model_spec.signature_name == "serving_default"
    image = response.outputs["image"]
    assert (image.dtype, len(image.float_val), image.tensor_content) == (types_pb2.DT_FLOAT, 784, b"")
    assert np.abs(tf.make_ndarray(image)).max() <= 1


def _pngs(response) -> None:
    pngs = response.outputs["png_bytes"].string_val
    assert [tf.io.decode_png(png).shape for png in pngs] == [(28, 28, 1)] * 2


def _labels_only(response) -> None:
    assert set(response.outputs) == {"label"}


def _repeated(response) -> None:
    first, second = tf.make_ndarray(response.outputs["image"])
    assert np.array_equal(first, second)


def _signatures(response) -> None:
    assert (response.model_spec.name, response.model_spec.version.value) == ("tiny", 3)
    found = get_model_metadata_pb2.SignatureDefMap()
    assert response.metadata["signature_def"].Unpack(found)
    assert {"serving_default", "sample", "sample_png"} <= set(found.signature_def)
    assert set(found.signature_def["sample"].inputs) == {"seed", "label"}


def _available(response) -> None:
    (status,) = response.model_version_status
    assert (status.version, status.state) == (3, get_model_status_pb2.ModelVersionStatus.AVAILABLE)
    assert (status.status.error_code, status.status.error_message) == (0, "")


CASES = [
    # Predict: which model
    Case("no spec", "Predict", _ROWS, _INVALID, "Missing ModelSpec", _PREDICT),
    Case("no name", "Predict", _spec(name="") + _ROWS, _INVALID, "ModelSpec has no name specified.", _CORE),
    Case("model", "Predict", _spec(name="m") + _ROWS, _MISSING, "Servable not found for request: Latest(m)", _MANAGER),
    Case(
        "version", "Predict", _spec(more="version { value: 9 }") + _ROWS, _MISSING,
        "Servable not found for request: Specific(tiny, 9)", _MANAGER,
    ),
    Case(
        "label", "Predict", _spec(more='version_label: "x"') + _ROWS, _INVALID, "Unrecognized servable version label: x", _CORE
    ),
    Case("of the version", "Predict", _spec(more="version { value: 3 }") + _ROWS, _OK, "", _PREDICT, _sampled),
    # Predict: which signature
    Case("signature", "Predict", _spec("x") + _ROWS, _PRECONDITION, 'Serving signature key "x" not found.', _UTIL),
    Case("sample", "Predict", _spec() + _ROWS, _OK, "", _UTIL, _sampled),
    Case("pngs", "Predict", _spec("sample_png") + _ROWS, _OK, "", _UTIL, _pngs),
    Case(
        "default signature", "Predict",
        _spec("") + _input("label", 1) + _input("latent", 0.5, 0, -1, 2, dtype="DT_FLOAT", shape=(1, 4)),
        _OK, "", _UTIL, _drawn,
    ),
    # Predict: inputs
    Case(
        "missing input", "Predict", _spec() + _input("seed", 1), _INVALID,
        "input size does not match signature: 1!=2 len({seed}) != len({label,seed}). "
        "Sent extra: {}. Missing but required: {label}.", _UTIL,
    ),
    Case(
        "extra input", "Predict", _spec() + _ROWS + _input("x", 1), _INVALID,
        "input size does not match signature: 3!=2 len({label,seed,x}) != len({label,seed}). "
        "Sent extra: {x}. Missing but required: {}.", _UTIL,
    ),
    Case(
        "no input", "Predict", _spec(), _INVALID,
        "input size does not match signature: 0!=2 len({}) != len({label,seed})...", _UTIL,
    ),
    Case(
        "other input", "Predict", _spec() + _input("seed", 1) + _input("x", 1), _INVALID,
        "Signature input alias: label(feed name: ...", _LOADER,
    ),
    Case(
        "too few values are repeated", "Predict", _spec() + _input("seed", 7, shape=(2,)) + _input("label", 1, shape=(2,)),
        _OK, "", "tensorflow/core/framework/tensor.cc in tensorflow/tensorflow", _repeated,
    ),
    Case(
        "content of another size", "Predict",
        _spec() + _input("label", 1) + 'inputs { key: "seed" value { dtype: DT_INT64 tensor_shape { dim { size: 1 } } '
        'tensor_content: "123" } }',
        _INVALID, "tensor parsing error: seed...", _LOADER,
    ),
    Case(
        "negative size", "Predict", _spec() + _input("seed", 1, shape=(-7,)) + _input("label", 1), _INVALID, "",
        "tensorflow/core/framework/tensor.cc in tensorflow/tensorflow",
    ),
    Case(
        "dtype", "Predict", _spec() + _input("seed", 1, dtype="DT_FLOAT") + _input("label", 1), _INVALID, "",
        "tensorflow/core/common_runtime/direct_session.cc in tensorflow/tensorflow",
    ),
    Case(
        "a value that the graph refuses", "Predict", _spec() + _input("seed", 1) + _input("label", 10), _INVALID, "",
        "tensorflow/core/kernels/logging_ops.cc in tensorflow/tensorflow",
    ),
    # Predict: outputs
    Case("filter", "Predict", _spec() + _ROWS + 'output_filter: "label"', _OK, "", _UTIL, _labels_only),
    Case(
        "unknown output", "Predict", _spec() + _ROWS + 'output_filter: "x"', _INVALID,
        "output tensor alias not found in signature: x Outputs expected to be in the set {image,label}.", _UTIL,
    ),
    Case(
        "output twice", "Predict", _spec() + _ROWS + 'output_filter: "label" output_filter: "label"', _INVALID,
        "duplicate output tensor alias: label", _UTIL,
    ),
    # Classify, Regress, MultiInference
    Case("no spec", "Classify", "", _INVALID, "Missing ModelSpec", "servables/tensorflow/classification_service.cc"),
    Case("generator", "Classify", _spec(), _INVALID, "Expected one input Tensor.", _CLASSIFIER),
    Case("signature", "Classify", _spec("x"), _INVALID, "No signature was found with the name: x", _CLASSIFIER),
    Case("model", "Classify", _spec(name="m"), _MISSING, "Servable not found for request: Latest(m)", _MANAGER),
    Case("no spec", "Regress", "", _INVALID, "Missing ModelSpec", "servables/tensorflow/regression_service.cc"),
    Case("generator", "Regress", _spec(), _INVALID, "Expected one input Tensor.", _REGRESSOR),
    Case("signature", "Regress", _spec("x"), _INVALID, "No signature was found with the name: x", _REGRESSOR),
    Case("no tasks", "MultiInference", "", _INVALID, "ModelSpec has no name specified.", _MULTI.replace(".cc", "_helper.cc")),
    Case(
        "signature", "MultiInference", f"tasks {{ {_spec('x')} }}", _INVALID,
        "Requested signature not found in model graph: x", _MULTI,
    ),
    Case(
        "method", "MultiInference", f"tasks {{ {_spec()} method_name: 'x' }}", grpc.StatusCode.UNIMPLEMENTED,
        "Unsupported signature method_name: x", _MULTI,
    ),
    Case(
        "generator", "MultiInference", f"tasks {{ {_spec()} method_name: 'tensorflow/serving/classify' }}", _INVALID,
        "Expected one input Tensor.", _MULTI,
    ),
    # GetModelMetadata
    Case("no spec", "GetModelMetadata", "metadata_field: 'signature_def'", _INVALID, "Missing ModelSpec", _META),
    Case(
        "no field", "GetModelMetadata", _spec(""), _INVALID,
        "GetModelMetadataRequest must specify at least one metadata_field", _META,
    ),
    Case("field", "GetModelMetadata", _spec("") + "metadata_field: 'x'", _INVALID, "Metadata field x is not supported", _META),
    Case(
        "model", "GetModelMetadata", _spec("", "m") + "metadata_field: 'signature_def'", _MISSING,
        "Servable not found for request: Latest(m)", _MANAGER,
    ),
    Case("signatures", "GetModelMetadata", _spec("") + "metadata_field: 'signature_def'", _OK, "", _META, _signatures),
    # GetModelStatus
    Case("no spec", "GetModelStatus", "", _INVALID, "Missing ModelSpec", _STATUS),
    Case("model", "GetModelStatus", _spec("", "m"), _MISSING, "Could not find any versions of model m", _STATUS),
    Case(
        "version", "GetModelStatus", _spec("", more="version { value: 9 }"), _MISSING,
        "Could not find version 9 of model tiny", _STATUS,
    ),
    Case("available", "GetModelStatus", _spec(""), _OK, "", _STATUS, _available),
    # HandleReloadConfigRequest: only what changes nothing
    Case(
        "nothing", "HandleReloadConfigRequest", "", _INVALID,
        "ServerModelConfig type not supported by HandleReloadConfigRequest. Only ModelConfigList is currently supported", _RELOAD,
    ),
    Case(
        "twice", "HandleReloadConfigRequest",
        "config { model_config_list { " + 'config { name: "m" base_path: "/m" model_platform: "tensorflow" } ' * 2 + "} }",
        _INVALID, "Illegal to list model m multiple times in config list", _CORE,
    ),
    Case(
        "relative", "HandleReloadConfigRequest",
        'config { model_config_list { config { name: "tiny" base_path: "m" model_platform: "tensorflow" } } }',
        _INVALID, "Expected model tiny to have an absolute path or URI; got base_path()=m", _CORE,
    ),
]  # fmt: skip
