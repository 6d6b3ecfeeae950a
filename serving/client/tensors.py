"""NumPy arrays to TensorProtos and back."""

from __future__ import annotations

from typing import Any

import numpy as np

from .errors import ClientError
from .wire import DATA_TYPES, TensorProto

# Per element type: NumPy's name for it, and the field that holds its values where they aren't packed bytes.
_KINDS = {
    "DT_FLOAT": ("float32", "float_val"),
    "DT_DOUBLE": ("float64", "double_val"),
    "DT_INT32": ("int32", "int_val"),
    "DT_UINT8": ("uint8", "int_val"),
    "DT_INT16": ("int16", "int_val"),
    "DT_INT8": ("int8", "int_val"),
    "DT_STRING": ("object", "string_val"),
    "DT_INT64": ("int64", "int64_val"),
    "DT_BOOL": ("bool", "bool_val"),
}
_NUMBERS = {_KINDS[name][0]: number for number, name in DATA_TYPES.items()}


def dtype_name(number: int) -> str:
    """NumPy's name of an element type, "string" for strings; for types that no generator has, TensorFlow's number."""
    name = DATA_TYPES.get(number)
    if name is None:
        return f"type {number}"
    return "string" if name == "DT_STRING" else _KINDS[name][0]


def to_tensor(array: np.ndarray) -> Any:
    """Pack numbers into a TensorProto."""
    tensor = TensorProto(dtype=_NUMBERS[array.dtype.name])
    for size in array.shape:
        tensor.tensor_shape.dim.add(size=size)
    tensor.tensor_content = array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()
    return tensor


def to_array(tensor: Any) -> np.ndarray:
    """Unpack a TensorProto, whichever of its two forms a server chose.

    Raises:
        ClientError: An element type that no generator has, or fewer values than the shape says.
    """
    name = DATA_TYPES.get(tensor.dtype)
    if name is None:
        raise ClientError(f"the server answers a tensor of {dtype_name(tensor.dtype)}, which no Forger generator does")
    dtype, field = _KINDS[name]
    shape = [dim.size for dim in tensor.tensor_shape.dim]
    count = int(np.prod(shape, dtype=np.int64))
    if tensor.tensor_content and dtype != "object":
        values = np.frombuffer(tensor.tensor_content, np.dtype(dtype).newbyteorder("<")).astype(dtype)
    else:
        listed = getattr(tensor, field)
        values = np.empty(len(listed), dtype)
        values[:] = listed
        if 0 < len(values) < count:  # TensorFlow leaves out what repeats the last value
            values = np.pad(values, (0, count - len(values)), "edge")
    if len(values) != count:
        raise ClientError(f"the server answers {len(values)} values for a tensor of shape {shape}: the answer is damaged")
    return values.reshape(shape)
