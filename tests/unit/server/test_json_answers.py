"""JSON answers: how large they may be, and what they take in memory while they are written."""

import json
import tracemalloc

import grpc
import numpy as np
import pytest

from serving.server.requests.refusals import Refusal
from serving.server.rest import json_responses


def test_an_answer_is_measured_by_its_tensors():
    floats, words = np.zeros((10, 100), np.float32), np.array([b"x" * 500] * 2, object)
    for outputs in ({"y": floats}, {"y": words, "z": floats[:2, :1]}):
        size = sum(1000 if array.dtype == object else array.nbytes for array in outputs.values())
        assert json_responses.prediction(outputs, rows=True, most=size)
        with pytest.raises(Refusal) as caught:
            json_responses.prediction(outputs, rows=True, most=size - 1)
        assert caught.value.code is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert caught.value.message == (
            f"the answer's tensors hold {size} bytes, the limit is {size - 1} bytes in one answer: ask for fewer rows at a time"
        )


def test_many_floats_are_the_shortest_too():
    floats = np.random.default_rng(0).normal(size=(3, 100, 999)).astype(np.float32)
    written = json_responses.prediction({"y": floats}, rows=False, most=floats.nbytes)
    expected = [float(str(value)) for value in floats.ravel()]
    found = np.array(json.loads(written)["outputs"])
    assert found.shape == floats.shape
    assert found.ravel().tolist() == expected


def test_a_float_takes_little_memory_while_it_is_written():
    floats = np.random.default_rng(0).normal(size=(400, 1000)).astype(np.float32)
    tracemalloc.start()
    try:
        json_responses.prediction({"y": floats}, rows=True, most=floats.nbytes)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 100 * floats.size  # a float of Python and its place in a list are 32 bytes, its text some 20
