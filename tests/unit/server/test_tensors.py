"""The wire form of answers."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2

from serving.server.requests.tensors import write_tensor


@pytest.mark.parametrize(
    "value",
    [
        np.arange(256, dtype=np.uint8),
        np.arange(256, dtype=np.uint8).reshape(2, 4, 32)[:, ::2],
        np.zeros((0, 28), np.uint8),
        np.float32(2.5),
        np.linspace(-1, 1, 20000, dtype=np.float32).reshape(-1, 2),
        np.array([-(2**63), -1, 0, 2**63 - 1], np.int64),
        np.array([-1, 2**31 - 1], np.int32),
        np.array([[True], [False]]),
        np.array([1e300, -0.0]),
        np.array([1.5], np.float16),
        np.array([7], np.uint64),
    ],
)
def test_tensorflow_reads_back_the_same_tensor(value):
    proto = tensor_pb2.TensorProto()
    write_tensor(proto, np.asarray(value))
    read = tf.io.parse_tensor(proto.SerializeToString(), tf.as_dtype(value.dtype)).numpy()
    assert read.dtype == value.dtype
    assert np.array_equal(read, value)
    assert np.array_equal(tf.make_ndarray(proto), value)


@pytest.mark.parametrize("value", [[b"a", b"\x00\xff"], b"one"])
def test_strings(value):
    proto = tensor_pb2.TensorProto()
    write_tensor(proto, np.array(value, object))
    assert np.array_equal(tf.io.parse_tensor(proto.SerializeToString(), tf.string).numpy(), value)
