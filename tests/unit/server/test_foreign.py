"""SavedModels that Forger did not make, as a models.config may list them."""

import logging
import shutil

import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import classification_pb2, predict_pb2, prediction_service_pb2_grpc

from serving.repository.errors import UserError
from serving.server.app import GeneratorServer
from serving.server.options import ServerOptions
from tests.support.half_plus_two import build_file_reader, build_half_plus_two


@pytest.fixture(scope="module")
def foreign(tmp_path_factory):
    """A server of both models; gives its stub."""
    root = tmp_path_factory.mktemp("foreign")
    build_half_plus_two(root / "half_plus_two" / "123")
    build_file_reader(root / "reader" / "1")
    names = ("half_plus_two", "reader")
    entries = "".join(f'config {{ name: "{name}" base_path: "{name}" model_platform: "tensorflow" }}' for name in names)
    (root / "all.config").write_text(f"model_config_list {{ {entries} }}")
    with (
        GeneratorServer(root, "half_plus_two", port=0, models_file=root / "all.config") as server,
        grpc.insecure_channel(server.target) as channel,
    ):
        yield prediction_service_pb2_grpc.PredictionServiceStub(channel)


def _predict(stub, model, signature, alias, values):
    request = predict_pb2.PredictRequest()
    request.model_spec.name, request.model_spec.signature_name = model, signature
    request.inputs[alias].CopyFrom(tf.make_tensor_proto(values))
    outputs = stub.Predict(request, timeout=30).outputs
    return {alias: tf.make_ndarray(proto).tolist() for alias, proto in outputs.items()}


def _example(x):
    example = tf.train.Example()
    example.features.feature["x"].float_list.value.append(x)
    return example.SerializeToString()


def test_a_graph_of_tensorflow_1_answers(foreign):
    answer = _predict(foreign, "half_plus_two", "serving_default", "x", np.array([[1.0], [2.0], [5.0]], np.float32))
    assert answer == {"y": [[2.5], [3.0], [4.5]]}


def test_its_signatures_of_examples_answer_to_predict(foreign):
    examples = [_example(1.0), _example(5.0)]
    assert _predict(foreign, "half_plus_two", "regress_x_to_y", "inputs", examples) == {"outputs": [[2.5], [4.5]]}
    answer = _predict(foreign, "half_plus_two", "classify_x_to_y", "inputs", examples)
    assert answer == {"classes": [[b"low"], [b"high"]], "scores": [[2.5], [4.5]]}


def test_classify_says_who_runs_it(foreign):
    request = classification_pb2.ClassificationRequest()
    request.model_spec.name, request.model_spec.signature_name = "half_plus_two", "classify_x_to_y"
    request.input.example_list.examples.add().ParseFromString(_example(1.0))
    with pytest.raises(grpc.RpcError) as caught:
        foreign.Classify(request, timeout=30)
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
    assert "use tensorflow_model_server" in caught.value.details()


@pytest.mark.parametrize(
    ("model", "signature", "alias", "value", "says"),
    [
        ("half_plus_two", "regress_x_to_y", "inputs", "no example", "Could not parse example input, value: 'no example'"),
        ("reader", "serving_default", "name", "/etc/forger/secret.txt", "<path>; No such file or directory"),
    ],
)
def test_an_error_of_its_graph_shows_no_path_of_the_server(foreign, model, signature, alias, value, says):
    with pytest.raises(grpc.RpcError) as caught:
        _predict(foreign, model, signature, alias, [value])
    assert says in caught.value.details()
    assert "/" not in caught.value.details().replace("<path>", "")
    assert "File " not in caught.value.details()


def test_directories_with_leading_zeros_are_skipped_and_said_once(tmp_path, tiny, start, caplog):
    caplog.set_level(logging.WARNING, "forger.serving")
    base = tmp_path / "tiny"
    for name in ("2", "00000123"):
        shutil.copytree(tiny, base / name)
    server = start(base, poll_seconds=0.01)
    (base / "3").mkdir()
    while "version 3 of tiny cannot be served" not in caplog.text:
        pass
    assert caplog.text.count("00000123 of tiny is skipped: a version's directory has its number without leading zeros") == 1
    assert "rename it to 123" in caplog.text
    server.stop(0)


def test_nothing_but_leading_zeros(tmp_path, tiny):
    shutil.copytree(tiny, tmp_path / "tiny" / "007")
    with pytest.raises(UserError, match=r"holds no version; 007 of tiny is skipped: .*rename it to 7"):
        GeneratorServer(tmp_path / "tiny", "tiny", port=0, options=ServerOptions())
