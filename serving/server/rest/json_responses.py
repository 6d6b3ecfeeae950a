"""TensorFlow Serving's JSON forms of answers (util/json_tensor.cc, model_servers/http_rest_api_util.cc)."""

from __future__ import annotations

import base64
import json
from typing import Any

import numpy as np
from google.protobuf import json_format
from google.protobuf.message import Message
from tensorflow_serving.apis import get_model_metadata_pb2, get_model_status_pb2

from serving.server.requests.calls import Arrays
from serving.server.requests.model_info import SIGNATURE_DEF
from serving.server.requests.refusals import invalid

_BYTES_SUFFIX = "_bytes"  # of an output's alias: its strings are bytes, and travel as base64


def prediction(outputs: Arrays, *, rows: bool) -> bytes:
    """Write a signature's outputs.

    Args:
        outputs: Arrays by alias.
        rows: Row by row as `predictions`; else column by column as `outputs`. A single output has no name in either.

    Raises:
        Refusal: INVALID_ARGUMENT: outputs of different numbers of rows, or of a dtype that JSON has no form for.
    """
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
        # The shortest decimal that is this float32; widened to float64 it would get nine more digits of noise.
        return array.astype("U32").astype(np.float64).tolist()
    if array.dtype.kind in "iub" or array.dtype == np.float64:
        return array.tolist()
    raise invalid(f"Failed to write JSON value for tensor type: {array.dtype.name}")


def _strings(value: Any, *, as_bytes: bool) -> Any:
    if isinstance(value, list):
        return [_strings(one, as_bytes=as_bytes) for one in value]
    return {"b64": base64.b64encode(value).decode("ascii")} if as_bytes else value.decode("utf-8", errors="replace")


def _message(message: Message) -> dict[str, Any]:
    return json_format.MessageToDict(message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)


def _json(value: Any) -> bytes:
    return json.dumps(value, indent=None, separators=(",", ": ")).encode("utf-8")
