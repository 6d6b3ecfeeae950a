"""More than 2,000 malformed requests: every one is answered, none with INTERNAL, UNKNOWN or 5xx, and the server still draws."""

import json
from collections import Counter

import grpc
import httpx
import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from tensorflow.core.framework import tensor_pb2
from tensorflow_serving.apis import predict_pb2

from serving.client import GeneratorClient
from serving.repository import contract
from serving.server.app import GeneratorServer
from tests.support.tiny_generator import LATENT_SIZE, build_tiny_generator

_METHODS = [
    f"/{contract.PREDICTION_SERVICE}/{name}" for name in ("Predict", "Classify", "Regress", "MultiInference", "GetModelMetadata")
] + [f"/{contract.MODEL_SERVICE}/{name}" for name in ("GetModelStatus", "HandleReloadConfigRequest")]
_FORBIDDEN = {grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.UNAVAILABLE}
_INT64 = st.integers(-(2**63), 2**63 - 1)
_NAMES = st.sampled_from(["tiny", "", "m", "sample", "serving_default", "stable"]) | st.text(max_size=20)
# No shrinking and no database: a failing request is printed, and the count of requests stays what it says.
_FUZZ = settings(max_examples=500, deadline=None, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    base = tmp_path_factory.mktemp("fuzz") / "tiny"
    build_tiny_generator(base / "1")
    with GeneratorServer(base, "tiny", port=0, rest_port=0) as server:
        yield server


@pytest.fixture(scope="module")
def call(server):
    """Send bytes to a method; returns the status code, OK included."""
    with grpc.insecure_channel(server.target) as channel:
        answers = Counter()

        def send(method, message):
            try:
                channel.unary_unary(method)(message, timeout=30)
            except grpc.RpcError as error:
                assert error.code() not in _FORBIDDEN, f"{method} {message!r}: {error.code()} {error.details()}"
                answers[error.code()] += 1
            else:
                answers[grpc.StatusCode.OK] += 1

        yield send
        print(dict(answers))


@pytest.fixture(scope="module")
def web(server):
    with httpx.Client(base_url=f"http://{server.rest_target}", timeout=30, trust_env=False) as client:
        yield client


@pytest.fixture(autouse=True)
def _draws_afterwards(server):
    yield
    with GeneratorClient(server.target, "tiny", timeout=30) as client:
        assert client.sample([1], [4])[1].tolist() == [4]


@st.composite
def _shapes(draw, rows):
    shape = (
        [rows]
        if draw(st.booleans())
        else draw(st.lists(st.integers(-2, 5) | st.sampled_from([2**31, 2**62, -(2**63)]), max_size=4))
    )
    return shape


@st.composite
def _tensors(draw, rows, width=None):
    """A TensorProto: right more often than not, and wrong in every way that there is."""
    proto = tensor_pb2.TensorProto()
    right = draw(st.integers(0, 3)) > 0
    shape = ([rows, width] if width else [rows]) if right else draw(_shapes(rows))
    for size in shape:
        proto.tensor_shape.dim.add(size=size)
    if draw(st.integers(0, 20)) == 0:
        proto.tensor_shape.unknown_rank = True
    proto.dtype = (1 if width else 9) if right else draw(st.integers(-1, 130))
    count = rows * (width or 1) if right else draw(st.integers(0, 8))
    kind = draw(st.sampled_from(["typed", "typed", "content", "other", "none"]))
    if kind == "content":
        proto.tensor_content = draw(st.binary(max_size=64)) if not right else np.arange(count, dtype=np.int64).tobytes()
    elif kind == "other":
        proto.half_val.extend(draw(st.lists(st.integers(0, 100), max_size=3)))
        proto.string_val.extend(draw(st.lists(st.binary(max_size=5), max_size=3)))
    elif kind == "typed" and width:
        proto.float_val.extend(draw(st.lists(st.floats(width=32), min_size=count, max_size=count)))
    elif kind == "typed":
        small = draw(st.booleans())
        proto.int64_val.extend(draw(st.lists(st.integers(-2, 11) if small else _INT64, min_size=count, max_size=count)))
    return proto


@st.composite
def _predict_requests(draw):
    request = predict_pb2.PredictRequest()
    if draw(st.integers(0, 15)):
        spec = request.model_spec
        spec.name = "tiny" if draw(st.integers(0, 7)) else draw(_NAMES)
        spec.signature_name = draw(st.sampled_from([*contract.SIGNATURES, ""])) if draw(st.integers(0, 7)) else draw(_NAMES)
        if draw(st.integers(0, 5)) == 0:
            spec.version.value = draw(_INT64)
        elif draw(st.integers(0, 9)) == 0:
            spec.version_label = draw(_NAMES)
    rows = draw(st.integers(0, 6))
    aliases = [contract.INPUT_LABEL, draw(st.sampled_from([contract.INPUT_SEED, contract.INPUT_LATENT]))]
    if draw(st.integers(0, 9)) == 0:
        aliases = draw(st.lists(_NAMES, max_size=4))
    for alias in aliases:
        request.inputs[alias].CopyFrom(draw(_tensors(rows, LATENT_SIZE if alias == contract.INPUT_LATENT else None)))
    request.output_filter.extend(draw(st.lists(st.sampled_from(["image", "label", "x"]), max_size=2)))
    return request


@seed(1)
@_FUZZ
@given(request=_predict_requests())
def test_predict_requests(call, request):
    call(_METHODS[0], request.SerializeToString())


@seed(2)
@_FUZZ
@given(method=st.sampled_from(_METHODS), message=st.binary(max_size=200))
def test_raw_bytes(call, method, message):
    call(method, message)


@seed(3)
@_FUZZ
@given(method=st.sampled_from(_METHODS), request=_predict_requests(), data=st.data())
def test_damaged_messages(call, method, request, data):
    """One message's bytes, some of them altered, sent to this and to other methods."""
    message = bytearray(request.SerializeToString())
    for _ in range(data.draw(st.integers(0, 4))):
        if message:
            message[data.draw(st.integers(0, len(message) - 1))] = data.draw(st.integers(0, 255))
    call(method, bytes(message[: data.draw(st.integers(0, len(message)))] if data.draw(st.booleans()) else message))


_JSON = st.recursive(
    st.none() | st.booleans() | _INT64 | st.integers() | st.floats() | st.text(max_size=10) | st.just({"b64": "AAA="}),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_NAMES, inner, max_size=3),
    max_leaves=8,
)
_ROW = st.fixed_dictionaries({"seed": _JSON | _INT64, "label": _JSON | st.integers(-1, 9)})
_BODIES = st.one_of(
    st.fixed_dictionaries({"signature_name": st.just("sample"), "instances": st.lists(_ROW | _JSON, max_size=3) | _JSON}),
    st.fixed_dictionaries({"signature_name": _NAMES | _JSON, "inputs": _ROW | _JSON}),
    st.dictionaries(_NAMES, _JSON, max_size=3),
    _JSON,
)
_PATHS = st.sampled_from(["/v1/models/tiny:predict"] * 5 + ["/v1/models/tiny/versions/1:predict", "/v1/models/m:predict"])


@seed(4)
@_FUZZ
@given(path=_PATHS, body=_BODIES.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=100))
def test_json(web, path, body):
    response = web.post(path, content=body)
    assert response.status_code < 500, f"{path} {body!r}: {response.text}"
    assert isinstance(response.json(), dict)


@seed(5)
@_FUZZ
@given(
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS"]),
    path=st.lists(
        st.sampled_from(["v1", "models", "tiny", "versions", "labels", "1", "metadata", ":predict", "%00", "..", "é"]), max_size=7
    ),
)
def test_paths(web, method, path):
    response = web.request(method, "/" + "/".join(path))
    assert response.status_code < 500


def test_deeply_nested_json(web):
    for body in (b'{"inputs":' + b"[" * 100_000, b'{"signature_name":"sample","inputs":' + b"[" * 900 + b"]" * 900 + b"}"):
        assert web.post("/v1/models/tiny:predict", content=body).status_code == 400


def test_messages_beyond_the_limit(web, call):
    call(_METHODS[0], b"x" * (17 * 2**20))
    assert web.post("/v1/models/tiny:predict", content=b"[" * (17 * 2**20)).status_code == 413
