"""REST: bodies, and what they are answered."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

_PATHS, _JSON = "model_servers/http_rest_api_util.cc", "util/json_tensor.cc"
_HANDLER, _HTTP = "model_servers/http_rest_api_handler.cc", "model_servers/http_server.cc"
_MANAGER = "core/basic_manager.cc"
_PREDICT = "/v1/models/tiny:predict"


@dataclass(frozen=True)
class Case:
    """One row.

    Attributes:
        name: Of the test.
        method: GET or POST.
        path: As sent.
        body: Anything that becomes JSON; bytes go as they are.
        status: HTTP's.
        error: What the answer's `error` says, exactly; with "..." at its end only the beginning; "" where no source fixes it.
        source: Where that is written, in TensorFlow Serving's repository.
        check: Looks at an answer that is OK; gets the parsed body.
    """

    name: str
    method: str
    path: str
    body: Any
    status: int
    error: str
    source: str
    check: Callable[[Any], None] | None = None


def _rows(answer: dict) -> None:
    first, second = answer["predictions"]
    assert set(answer) == {"predictions"}
    assert set(first) == {"image", "label"}
    assert (len(first["image"]), len(first["image"][0]), len(first["image"][0][0])) == (28, 28, 1)
    assert all(0 <= pixel[0] <= 255 for line in first["image"] for pixel in line)
    assert second["label"] == 4


def _columns(answer: dict) -> None:
    assert set(answer) == {"outputs"}
    assert set(answer["outputs"]) == {"image", "label"}
    assert answer["outputs"]["label"][1] == 4
    assert len(answer["outputs"]["image"]) == 2


def _only_output(answer: dict) -> None:
    (image,) = answer["predictions"]  # a single output has no name
    assert len(image) == 28
    assert all(type(pixel[0]) is float for line in image for pixel in line)


def _png(answer: dict) -> None:
    png = answer["predictions"][0]["png_bytes"]
    assert set(png) == {"b64"}
    assert base64.b64decode(png["b64"]).startswith(b"\x89PNG")


def _status(answer: dict) -> None:
    expected = {"version": "3", "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
    assert answer == {"model_version_status": [expected]}


def _metadata(answer: dict) -> None:
    assert answer["model_spec"] == {"name": "tiny", "signature_name": "", "version": "3"}
    sample = answer["metadata"]["signature_def"]["signature_def"]["sample"]
    assert sample["inputs"]["seed"]["dtype"] == "DT_INT64"
    assert sample["inputs"]["seed"]["tensor_shape"]["dim"] == [{"size": "-1", "name": ""}]
    assert sample["method_name"] == "tensorflow/serving/predict"


_INSTANCES = [{"seed": 1, "label": -1}, {"seed": 2, "label": 4}]
_INPUTS = {"seed": [1, 2], "label": [-1, 4]}


def _sample(**body: Any) -> dict:
    return {"signature_name": "sample", **body}


CASES = [
    # Predict
    Case("rows", "POST", _PREDICT, _sample(instances=_INSTANCES), 200, "", _JSON, _rows),
    Case("columns", "POST", _PREDICT, _sample(inputs=_INPUTS), 200, "", _JSON, _columns),
    Case("of a version", "POST", "/v1/models/tiny/versions/3:predict", _sample(inputs=_INPUTS), 200, "", _PATHS, _columns),
    Case("in capitals", "POST", "/V1/Models/tiny:Predict", _sample(inputs=_INPUTS), 200, "", _PATHS, _columns),
    Case("only output", "POST", _PREDICT, {"instances": [{"latent": [0, 1.5, -1, 2], "label": 1}]}, 200, "", _JSON, _only_output),
    Case("bytes", "POST", _PREDICT, {"signature_name": "sample_png", "instances": _INSTANCES}, 200, "", _JSON, _png),
    Case(
        "text behind", "POST", _PREDICT, b'{"signature_name":"sample","inputs":{"seed":[1,2],"label":[0,4]}} x', 200,
        "", _JSON, _columns,
    ),
    # Which model
    Case(
        "model", "POST", "/v1/models/m:predict", _sample(inputs=_INPUTS), 404,
        "Servable not found for request: Latest(m)", _MANAGER,
    ),
    Case(
        "version", "POST", "/v1/models/tiny/versions/9:predict", _sample(inputs=_INPUTS), 404,
        "Servable not found for request: Specific(tiny, 9)", _MANAGER,
    ),
    Case(
        "label", "POST", "/v1/models/tiny/labels/x:predict", _sample(inputs=_INPUTS), 400,
        "Unrecognized servable version label: x", "model_servers/server_core.cc",
    ),
    Case(
        "version too large", "POST", "/v1/models/tiny/versions/9223372036854775808:predict", {}, 400,
        "Failed to convert version: 9223372036854775808 to numeric.", _PATHS,
    ),
    Case(
        "signature", "POST", _PREDICT, {"signature_name": "x", "inputs": _INPUTS}, 400,
        'Serving signature name: "x" not found in signature def', _HANDLER,
    ),
    # Bodies
    Case("empty", "POST", _PREDICT, b"", 400, "JSON Parse error: The document is empty", _JSON),
    Case("no JSON", "POST", _PREDICT, b"{", 400, "JSON Parse error: ...", _JSON),
    Case("no object", "POST", _PREDICT, b"[1]", 400, "JSON Value: [1] Is not object", _JSON),
    Case("no inputs", "POST", _PREDICT, _sample(), 400, "Missing 'inputs' or 'instances' key", _JSON),
    Case("both", "POST", _PREDICT, _sample(inputs=_INPUTS, instances=_INSTANCES), 400, "", _JSON),
    Case("instances are no list", "POST", _PREDICT, _sample(instances=1), 400, "", _JSON),
    Case("no instance", "POST", _PREDICT, _sample(instances=[]), 400, "", _JSON),
    Case(
        "plain instances", "POST", _PREDICT, _sample(instances=[1]), 400,
        "instances is a plain list, but expecting list of objects as multiple input tensors required as per tensorinfo_map",
        _JSON,
    ),
    Case(
        "mixed instances", "POST", _PREDICT, _sample(instances=[{"seed": 1, "label": 1}, [1]]), 400,
        "Expecting object but got list at item 1 of input list", _JSON,
    ),
    Case(
        "plain inputs", "POST", _PREDICT, _sample(inputs=[1]), 400,
        "inputs is a plain value/list, but expecting an object as multiple input tensors required as per tensorinfo_map", _JSON,
    ),
    Case(
        "missing input", "POST", _PREDICT, _sample(inputs={"seed": [1]}), 400,
        "Missing named input: label in 'inputs' object.", _JSON,
    ),
    Case(
        "missing in a row", "POST", _PREDICT, _sample(instances=[{"seed": 1}]), 400,
        "Failed to process element: 0 of 'instances' list. JSON object: ...", _JSON,
    ),
    Case(
        "extra in a row", "POST", _PREDICT, _sample(instances=[{"seed": 1, "label": 1, "x": 1}]), 400,
        "Failed to process element: 0 key: x of 'instances' list. "
        "Error: INVALID_ARGUMENT: JSON object: does not have named input: x", _JSON,
    ),
    Case(
        "type", "POST", _PREDICT, _sample(inputs={"seed": [1], "label": ["a"]}), 400,
        'JSON Value: "a" Type: String is not of expected type: int64', _JSON,
    ),
    Case(
        "a fraction", "POST", _PREDICT, _sample(inputs={"seed": [1], "label": [1.5]}), 400,
        "JSON Value: 1.5 Type: Number is not of...", _JSON,
    ),
    Case("a value that the graph refuses", "POST", _PREDICT, _sample(inputs={"seed": [1], "label": [10]}), 400, "", _HTTP),
    # Other calls
    Case("classify", "POST", "/v1/models/tiny:classify", {"signature_name": "sample", "examples": [{"x": 1}]}, 400,
         "Expected one input Tensor.", "servables/tensorflow/classifier.cc"),
    Case("regress", "POST", "/v1/models/tiny:regress", {"signature_name": "sample", "examples": [{"x": 1}]}, 400,
         "Expected one input Tensor.", "servables/tensorflow/regressor.cc"),
    Case("examples", "POST", "/v1/models/tiny:classify", {}, 400, "", _JSON),
    Case("no such call", "POST", "/v1/models/tiny:x", {}, 400, "Malformed request: POST /v1/models/tiny:x", _HANDLER),
    Case("get a call", "GET", _PREDICT, None, 400, f"Malformed request: GET {_PREDICT}", _HANDLER),
    # Looking
    Case("status", "GET", "/v1/models/tiny", None, 200, "", _PATHS, _status),
    Case("status of a version", "GET", "/v1/models/tiny/versions/3", None, 200, "", _PATHS, _status),
    Case("status of no model", "GET", "/v1/models/m", None, 404, "Could not find any versions of model m",
         "model_servers/get_model_status_impl.cc"),
    Case("status of all", "GET", "/v1/models", None, 400, "Missing model name in request.", _HANDLER),
    Case("metadata", "GET", "/v1/models/tiny/metadata", None, 200, "", _PATHS, _metadata),
    Case("metadata of a version", "GET", "/v1/models/tiny/versions/3/metadata", None, 200, "", _PATHS, _metadata),
    Case(
        "metadata of no model", "GET", "/v1/models/m/metadata", None, 404,
        "Servable not found for request: Latest(m)", _MANAGER,
    ),
]  # fmt: skip
