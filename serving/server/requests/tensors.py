"""Tensors of a request and its answer: checked against the signature before TensorFlow sees them, answered as typed fields."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2, types_pb2
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef, TensorInfo

from serving.saved_model.servable import tensor_of
from serving.server.options import ServerOptions
from serving.server.requests.calls import Arrays
from serving.server.requests.refusals import invalid

# The typed field of TensorProto that carries a dtype; other dtypes travel as bytes in tensor_content.
_FIELDS = {
    np.dtype(np.int32): "int_val",
    np.dtype(np.int64): "int64_val",
    np.dtype(np.float64): "double_val",
    np.dtype(np.bool_): "bool_val",
    np.dtype(object): "string_val",
}
_TYPED_BYTES = 4 << 20  # of pixels that an answer holds in typed fields
# Inputs that NumPy parses: the wire's dtype -> NumPy's, and the typed field.
_PARSED = {
    types_pb2.DT_INT64: (np.dtype("<i8"), "int64_val"),
    types_pb2.DT_FLOAT: (np.dtype("<f4"), "float_val"),
}
_FLOAT_VAL_TAG = bytes([5 << 3 | 2])  # field 5, length-delimited
_INT_VAL_TAG = bytes([7 << 3 | 2])  # field 7, length-delimited


def read_inputs(signature: SignatureDef, inputs: Mapping[str, tensor_pb2.TensorProto], options: ServerOptions) -> Arrays:
    """Parse a request's tensors.

    Args:
        signature: The signature that they are for.
        inputs: TensorProtos by alias.
        options: Limits.

    Raises:
        Refusal: INVALID_ARGUMENT that names the alias and what is wrong with it, worded as TensorFlow Serving words it.
    """
    _check_names(signature, inputs)
    for alias in sorted(signature.inputs):
        proto, info = inputs[alias], signature.inputs[alias]
        if proto.dtype != info.dtype:
            raise invalid(f"input {alias} must be {_dtype_name(info.dtype)}, got {_dtype_name(proto.dtype)}")
        if proto.tensor_shape.unknown_rank:
            raise invalid(f"tensor parsing error: {alias}")
    # Before anything of the size that a tensor claims to have is allocated.
    check_shapes(signature, {alias: [dim.size for dim in inputs[alias].tensor_shape.dim] for alias in signature.inputs}, options)
    return {alias: _array(alias, inputs[alias]) for alias in signature.inputs}


def check_shapes(signature: SignatureDef, shapes: Mapping[str, Sequence[int]], options: ServerOptions) -> None:
    """Check the shapes of all inputs against the signature, the limits and each other.

    Raises:
        Refusal: INVALID_ARGUMENT that names the alias and what is wrong with it.
    """
    rows = {alias: _check(alias, signature.inputs[alias], list(shapes[alias]), options) for alias in sorted(signature.inputs)}
    if len(set(rows.values())) > 1:
        counts = ", ".join(f"{alias} {count}" for alias, count in rows.items())
        raise invalid(f"inputs have different numbers of rows: {counts}")


def _check_names(signature: SignatureDef, inputs: Mapping[str, Any]) -> None:
    sent, wanted = set(inputs), set(signature.inputs)
    if len(sent) != len(wanted):
        raise invalid(
            f"input size does not match signature: {len(sent)}!={len(wanted)} len({_braces(sent)}) != len({_braces(wanted)}). "
            f"Sent extra: {_braces(sent - wanted)}. Missing but required: {_braces(wanted - sent)}."
        )
    for alias in sorted(wanted - sent):
        feed = signature.inputs[alias].name
        raise invalid(
            f"Signature input alias: {alias}(feed name: {feed}) not found in request and no default value provided. "
            f"Inputs expected to be in the request {_braces(sent)}, or default input alias set: "
        )


def _check(alias: str, info: TensorInfo, shape: list[int], options: ServerOptions) -> int | None:
    """Check one shape and return its rows."""
    if not info.tensor_shape.unknown_rank:
        expected = [dim.size for dim in info.tensor_shape.dim]
        fits = len(expected) == len(shape) and all(want in (-1, got) for want, got in zip(expected, shape, strict=True))
        if not fits or min(shape, default=0) < 0:
            raise invalid(f"input {alias} must have shape {expected}, got {shape}")
    rows = shape[0] if shape else None
    if rows is not None and rows > options.max_rows:
        raise invalid(f"input {alias} has {rows} rows, the limit is {options.max_rows} rows in one request: send fewer at a time")
    if min(shape, default=0) < 0 or math.prod(shape) > options.max_message_bytes:
        raise invalid(f"tensor parsing error: {alias}")
    return rows


def _array(alias: str, proto: tensor_pb2.TensorProto) -> np.ndarray:
    """Parse a tensor: the usual forms by NumPy, all others (a value repeated, say) by TensorFlow, five times as slow."""
    shape = [dim.size for dim in proto.tensor_shape.dim]
    dtype, name = _PARSED.get(proto.dtype, (None, None))
    if dtype is not None and proto.tensor_content:
        if len(proto.tensor_content) == math.prod(shape) * dtype.itemsize:
            return np.frombuffer(proto.tensor_content, dtype).reshape(shape)
    elif dtype is not None and len(getattr(proto, name)) == math.prod(shape):
        return np.array(getattr(proto, name), dtype).reshape(shape)
    try:
        return tensor_of(proto).numpy()
    except tf.errors.OpError as error:
        raise invalid(f"tensor parsing error: {alias}") from error


def write_tensor(proto: tensor_pb2.TensorProto, array: np.ndarray) -> None:
    """Fill a TensorProto with typed fields, as TensorFlow Serving answers by default.

    Images are the bulk of every answer, so their two dtypes are encoded by NumPy: 25 times as fast as value by value. A typed
    byte takes up to two, so that many large images travel as bytes: else the largest answers would not fit into a message.
    """
    field = _FIELDS.get(array.dtype)
    if array.dtype == np.float32:
        proto.MergeFromString(_packed(_FLOAT_VAL_TAG, array.astype("<f4", copy=False).tobytes()))
    elif array.dtype == np.uint8 and array.nbytes <= _TYPED_BYTES:
        proto.MergeFromString(_packed(_INT_VAL_TAG, _varints(array.ravel())))
    elif field is not None:
        getattr(proto, field).extend(array.ravel().tolist())
    else:
        proto.tensor_content = array.tobytes()
    proto.dtype = tf.dtypes.as_dtype(array.dtype).as_datatype_enum
    for size in array.shape:
        proto.tensor_shape.dim.add().size = size


def _packed(tag: bytes, payload: bytes) -> bytes:
    length, head = len(payload), bytearray(tag)
    while length > 0x7F:
        head.append(length & 0x7F | 0x80)
        length >>= 7
    head.append(length)
    return bytes(head) + payload


def _varints(values: np.ndarray) -> bytes:
    """Base-128 varints of uint8 values: one byte below 128, else two."""
    wide = values >= 0x80
    pairs = np.stack([values, np.ones_like(values)], axis=1)
    return pairs[np.stack([np.ones_like(wide), wide], axis=1)].tobytes()


def _braces(names: set[str]) -> str:
    return "{" + ",".join(sorted(names)) + "}"


def _dtype_name(dtype: int) -> str:
    return types_pb2.DataType.Name(dtype) if dtype in types_pb2.DataType.values() else f"unknown dtype {dtype}"
