"""TensorFlow Serving's JSON forms of answers (util/json_tensor.cc, model_servers/http_rest_api_util.cc)."""

from __future__ import annotations

import base64
import json
from typing import Any

import grpc
import numpy as np
from google.protobuf import json_format
from google.protobuf.message import Message
from tensorflow_serving.apis import get_model_metadata_pb2, get_model_status_pb2

from serving.server.requests.calls import Arrays, size_of
from serving.server.requests.model_info import SIGNATURE_DEF
from serving.server.requests.refusals import Refusal, invalid

_BYTES_SUFFIX = "_bytes"  # of an output's alias: its strings are bytes, and travel as base64
_PIECE = 1 << 14  # floats that are written at once; NumPy's text of one takes 128 bytes


def prediction(outputs: Arrays, *, rows: bool, most: int) -> bytes:
    """Write a signature's outputs.

    Args:
        outputs: Arrays by alias.
        rows: Row by row as `predictions`; else column by column as `outputs`. A single output has no name in either.
        most: Bytes that the arrays may hold. They are measured, not the JSON, so that a refusal takes no memory.

    Raises:
        Refusal: RESOURCE_EXHAUSTED: they hold more. INVALID_ARGUMENT: outputs of different numbers of rows, or of a dtype that
            JSON has no form for.
    """
    size = size_of(outputs)
    if size > most:
        raise Refusal(
            grpc.StatusCode.RESOURCE_EXHAUSTED,
            f"the answer's tensors hold {size} bytes, the limit is {most} bytes in one answer: ask for fewer rows at a time",
        )
    values = {alias: _value(alias, array) for alias, array in outputs.items()}
    only = next(iter(values)) if len(values) == 1 else None
    if not rows:
        return _json({"outputs": values[only] if only else values})
    counts = {array.shape[0] if array.ndim else -1 for array in outputs.values()}
    if len(counts) != 1 or -1 in counts:
        raise invalid(f"outputs have inconsistent batch sizes: {', '.join(sorted(outputs))}")
    if only:
        return _json({"predictions": values[only]})
    return _json({"predictions": [{alias: values[alias][row] for alias in values} for row in range(counts.pop())]})


def error(message: str) -> bytes:
    """Write an error."""
    return _json({"error": message})


def status(response: get_model_status_pb2.GetModelStatusResponse) -> bytes:
    """Write the states of versions."""
    return _json(_message(response))


def metadata(response: get_model_metadata_pb2.GetModelMetadataResponse) -> bytes:
    """Write a version's signatures."""
    signatures = get_model_metadata_pb2.SignatureDefMap()
    response.metadata[SIGNATURE_DEF].Unpack(signatures)
    return _json({"model_spec": _message(response.model_spec), "metadata": {SIGNATURE_DEF: _message(signatures)}})


def _value(alias: str, array: np.ndarray) -> Any:
    if array.dtype == object:
        return _strings(array.tolist(), as_bytes=alias.endswith(_BYTES_SUFFIX))
    if array.dtype == np.float32:
        return _shortest(array).tolist()
    if array.dtype.kind in "iub" or array.dtype == np.float64:
        return array.tolist()
    raise invalid(f"Failed to write JSON value for tensor type: {array.dtype.name}")


def _shortest(array: np.ndarray) -> np.ndarray:
    """The float64 whose decimal is the shortest that is this float32; widened alone it would get nine more digits of noise."""
    flat, found = array.ravel(), np.empty(array.size, np.float64)
    for start in range(0, array.size, _PIECE):
        found[start : start + _PIECE] = flat[start : start + _PIECE].astype("U32")
    return found.reshape(array.shape)


def _strings(value: Any, *, as_bytes: bool) -> Any:
    if isinstance(value, list):
        return [_strings(one, as_bytes=as_bytes) for one in value]
    return {"b64": base64.b64encode(value).decode("ascii")} if as_bytes else value.decode("utf-8", errors="replace")


def _message(message: Message) -> dict[str, Any]:
    return json_format.MessageToDict(message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)


def _json(value: Any) -> bytes:
    return json.dumps(value, indent=None, separators=(",", ": ")).encode("utf-8")
