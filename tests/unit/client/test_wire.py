"""The client's own messages are TensorFlow Serving's, and share a process with them."""

import os
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import descriptor
from tensorflow.core.framework import tensor_pb2
from tensorflow_serving.apis import get_model_metadata_pb2, get_model_status_pb2, predict_pb2

from serving.client import ClientError, wire
from serving.client import contract as clients
from serving.client.tensors import dtype_name, to_array, to_tensor
from serving.repository import contract

MESSAGES = [
    (wire.PredictRequest, predict_pb2.PredictRequest),
    (wire.PredictResponse, predict_pb2.PredictResponse),
    (wire.GetModelMetadataRequest, get_model_metadata_pb2.GetModelMetadataRequest),
    (wire.GetModelMetadataResponse, get_model_metadata_pb2.GetModelMetadataResponse),
    (wire.SignatureDefMap, get_model_metadata_pb2.SignatureDefMap),
    (wire.GetModelStatusRequest, get_model_status_pb2.GetModelStatusRequest),
    (wire.GetModelStatusResponse, get_model_status_pb2.GetModelStatusResponse),
]


def test_names_that_generators_and_clients_share():
    shared = {name: value for name, value in vars(clients).items() if name.isupper()}
    assert len(shared) > 10
    assert shared == {name: getattr(contract, name) for name in shared}


@pytest.mark.parametrize(("mine", "theirs"), MESSAGES)
def test_every_field_is_tensorflow_servings(mine, theirs):
    _same(mine.DESCRIPTOR, theirs.DESCRIPTOR, set())


def _same(mine: descriptor.Descriptor, theirs: descriptor.Descriptor, seen: set) -> None:
    assert mine.full_name == theirs.full_name
    if mine.full_name in seen:
        return
    seen.add(mine.full_name)
    assert mine.GetOptions().map_entry == theirs.GetOptions().map_entry
    for field in mine.fields:
        other = theirs.fields_by_name[field.name]
        assert (field.number, field.type, _many(field)) == (other.number, other.type, _many(other)), field.full_name
        if field.message_type:
            _same(field.message_type, other.message_type, seen)
        if field.enum_type:
            assert field.enum_type.full_name == other.enum_type.full_name
            numbers = {value.name: value.number for value in other.enum_type.values}
            assert {value.name: value.number for value in field.enum_type.values}.items() <= numbers.items()


def _many(field: descriptor.FieldDescriptor) -> bool:
    return field.is_repeated if hasattr(field, "is_repeated") else field.label == field.LABEL_REPEATED


def test_a_request_reads_the_same_on_the_other_side():
    request = wire.PredictRequest(output_filter=["image"])
    request.model_spec.name, request.model_spec.version.value = "tiny", 2**62
    request.model_spec.signature_name = "sample"
    arrays = {"seed": np.array([1, -1, 2**62]), "latent": np.float32([[1.5, -2.0]])}
    for alias, array in arrays.items():
        request.inputs[alias].CopyFrom(to_tensor(array))
    theirs = predict_pb2.PredictRequest.FromString(wire.to_bytes(request))
    assert theirs.model_spec.version.value == 2**62
    assert list(theirs.output_filter) == ["image"]
    for alias, array in arrays.items():
        np.testing.assert_array_equal(tf.make_ndarray(theirs.inputs[alias]), array)


TYPES = ["float32", "float64", "int32", "uint8", "int16", "int8", "int64", "bool"]


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("shape", [(), (0, 3), (1,), (2, 3)])
def test_both_forms_of_a_tensor(dtype, shape):
    array = np.arange(np.prod(shape, dtype=int)).reshape(shape).astype(dtype)
    content = tf.make_tensor_proto(array)
    listed = tf.make_tensor_proto(array.tolist(), dtype=dtype, shape=shape)  # values one by one, as TensorFlow Serving answers
    for proto in (content, listed):
        found = to_array(wire.TensorProto.FromString(proto.SerializeToString()))
        assert found.dtype == array.dtype
        np.testing.assert_array_equal(found, array)
    np.testing.assert_array_equal(tf.make_ndarray(tensor_pb2.TensorProto.FromString(wire.to_bytes(to_tensor(array)))), array)


def test_strings_and_repeated_values():
    proto = tf.make_tensor_proto([b"\x89PNG", b""])
    assert to_array(wire.TensorProto.FromString(proto.SerializeToString())).tolist() == [b"\x89PNG", b""]
    sevens = wire.TensorProto(dtype=9, int64_val=[3, 7])
    sevens.tensor_shape.dim.add(size=4)
    assert to_array(sevens).tolist() == [3, 7, 7, 7]


def test_damaged_tensors():
    short = wire.TensorProto(dtype=9, tensor_content=b"\0" * 8)
    short.tensor_shape.dim.add(size=4)
    with pytest.raises(ClientError, match=r"1 values for a tensor of shape \[4\]: the answer is damaged"):
        to_array(short)
    with pytest.raises(ClientError, match="a tensor of type 8, which no Forger generator"):
        to_array(wire.TensorProto(dtype=8))
    assert dtype_name(7) == "string"


CLIENT = "import serving.client.wire as w; r = w.PredictRequest(); r.inputs['a'].int64_val.append(7)"
TENSORFLOW = "import tensorflow as tf; from tensorflow_serving.apis import predict_pb2 as p, prediction_service_pb2_grpc"
AFTER = "q = p.PredictRequest.FromString(w.to_bytes(r)); assert list(q.inputs['a'].int64_val) == [7]; tf.make_tensor_proto(1)"


@pytest.mark.parametrize("implementation", ["upb", "python"])
@pytest.mark.parametrize("order", [(CLIENT, TENSORFLOW), (TENSORFLOW, CLIENT)])
def test_it_shares_a_process_with_tensorflow(implementation, order):
    environment = {**os.environ, "PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION": implementation}
    code = "\n".join([*order, AFTER])
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
