"""TensorFlow Serving's JSON form of a predict request (util/json_tensor.cc): rows as `instances`, or columns as `inputs`."""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef, TensorInfo

from serving.server.options import ServerOptions
from serving.server.requests.calls import Arrays
from serving.server.requests.refusals import Refusal, invalid
from serving.server.requests.tensors import check_shapes

_SHOWN = 256  # characters of a value in an error
_DECODER = json.JSONDecoder()
_TOO_DEEP = "JSON Parse error: lists or objects are nested too deeply"
_SPACE = re.compile(r"[ \t\r\n]*")
# Bytes that Python makes of a value, by the mark in a document that it cannot be without (CPython 3.11, 64 bits).
_BYTES = {b"{": 72, b":": 168, b"[": 64, b",": 32}


@dataclass(frozen=True)
class JsonRequest:
    """A parsed body.

    Attributes:
        document: All of it.
        signature_name: Empty for the default one.
        rows: Whether it is written row by row, which decides the answer's form too.
    """

    document: dict[str, Any]
    signature_name: str
    rows: bool

    def read(self, signature: SignatureDef, options: ServerOptions) -> Arrays:
        """Make the signature's inputs.

        Raises:
            Refusal: INVALID_ARGUMENT that names the element and what is wrong with it.
        """
        infos = dict(signature.inputs)
        columns = _from_rows(self.document["instances"], infos) if self.rows else _from_columns(self.document["inputs"], infos)
        # Before anything of the size that a tensor seems to have is allocated.
        check_shapes(signature, {alias: _shape(value) for alias, value in columns.items()}, options)
        try:
            return {alias: _array(alias, value, infos[alias], rows=self.rows) for alias, value in columns.items()}
        except RecursionError as error:
            raise invalid(_TOO_DEEP) from error


def parse(body: bytes, most: int) -> JsonRequest:
    """Parse a body.

    Args:
        body: As sent.
        most: Bytes that its values may take in memory: 3 bytes of JSON become 72, and parsing holds up all other threads.

    Raises:
        Refusal: INVALID_ARGUMENT: no JSON, too many values, or not the keys of a predict request.
    """
    if not body:
        raise invalid("JSON Parse error: The document is empty")
    if sum(body.count(mark) * size for mark, size in _BYTES.items()) > most:
        raise invalid(f"the body holds too many values: they would take more than {most} bytes; send fewer rows at once")
    try:
        text = body.decode("utf-8-sig")
        start = _SPACE.match(text)
        # What follows the document does not count, as with TensorFlow Serving's parser.
        document, _ = _DECODER.raw_decode(text, start.end() if start else 0)
    except json.JSONDecodeError as error:
        raise invalid(f"JSON Parse error: {error.msg} at offset: {error.pos}") from error
    except UnicodeDecodeError as error:
        raise invalid(f"JSON Parse error: not UTF-8 at offset: {error.start}") from error
    except RecursionError as error:
        raise invalid(_TOO_DEEP) from error
    except ValueError as error:
        raise invalid("JSON Parse error: a number with too many digits") from error
    if not isinstance(document, dict):
        raise invalid(f"JSON Value: {_shown(document)} Is not object")
    name = document.get("signature_name", "")
    if not isinstance(name, str) or not name.isprintable():
        raise invalid(f"JSON Value: {_shown(document)} not formatted correctly. 'signature_name' key must be a string value.")
    rows, columns = "instances" in document, "inputs" in document
    if rows and columns:
        raise invalid(
            f"JSON Value: {_shown(document)} Not formatted correctly expecting only one of 'inputs' or 'instances' keys to exist "
        )
    if not rows and not columns:
        raise invalid("Missing 'inputs' or 'instances' key")
    if rows and not isinstance(document["instances"], list):
        raise invalid(f"JSON Value: {_shown(document)} Expecting 'instances' to be an list/array")
    if rows and not document["instances"]:
        raise invalid(f"JSON Value: {_shown(document)} No values in 'instances' array")
    return JsonRequest(document, name, rows)


def _from_rows(instances: list, infos: dict[str, TensorInfo]) -> dict[str, list]:
    first = instances[0]
    if not _is_named(first) and len(infos) > 1:
        raise invalid(
            "instances is a plain list, but expecting list of objects as multiple input tensors required as per tensorinfo_map"
        )
    if not _is_named(first):
        for index, element in enumerate(instances):
            if _is_named(element):
                raise invalid(f"Expecting value/list but got object at item {index} of input list")
        return {next(iter(infos)): instances}
    for index, element in enumerate(instances):
        if not _is_named(element):
            raise invalid(f"Expecting object but got list at item {index} of input list")
        for alias in element:
            if alias not in infos:
                raise invalid(
                    f"Failed to process element: {index} key: {alias} of 'instances' list. "
                    f"Error: INVALID_ARGUMENT: JSON object: does not have named input: {alias}"
                )
        if element.keys() != infos.keys():
            raise invalid(
                f"Failed to process element: {index} of 'instances' list. JSON object: {_shown(element)} "
                f"keys must be equal to: {','.join(sorted(infos))}"
            )
    return {alias: [element[alias] for element in instances] for alias in infos}


def _from_columns(inputs: Any, infos: dict[str, TensorInfo]) -> dict[str, Any]:
    if not _is_named(inputs):
        if len(infos) > 1:
            raise invalid(
                "inputs is a plain value/list, but expecting an object as multiple input tensors required as per tensorinfo_map"
            )
        return {next(iter(infos)): inputs}
    for alias in sorted(infos):
        if alias not in inputs:
            raise invalid(f"Missing named input: {alias} in 'inputs' object.")
    return {alias: inputs[alias] for alias in infos}


def _is_named(value: Any) -> bool:
    """Whether it is an object of named inputs: all objects are but those of base64."""
    return isinstance(value, dict) and not _is_base64(value)


def _is_base64(value: Any) -> bool:
    return isinstance(value, dict) and len(value) == 1 and isinstance(value.get("b64"), str)


def _shape(value: Any) -> list[int]:
    shape = []
    while isinstance(value, list):
        shape.append(len(value))
        value = value[0] if value else None
    return shape


def _array(alias: str, value: Any, info: TensorInfo, *, rows: bool) -> np.ndarray:
    dtype, shape = tf.dtypes.as_dtype(info.dtype), _shape(value)
    leaves: list = []
    if not rows:
        _fill(value, 0, shape, dtype, leaves)
    else:
        for index, element in enumerate(value):
            try:
                _fill(element, 0, shape[1:], dtype, leaves)
            except Refusal as refusal:
                raise invalid(
                    f"Failed to process element: {index} key: {alias} of 'instances' list. "
                    f"Error: {refusal.code.name}: {refusal.message}"
                ) from refusal
    kind = object if dtype == tf.string else dtype.as_numpy_dtype
    with np.errstate(over="ignore"):  # a number beyond float32 becomes infinite, as in the original
        return np.array(leaves, kind).reshape(shape)


def _fill(value: Any, level: int, shape: list[int], dtype: tf.DType, leaves: list) -> None:
    """Append the leaves of a nested list that must be as regular as its first elements are."""
    if not isinstance(value, list):
        if level != len(shape):
            raise invalid(
                f"JSON Value: {_shown(value)} found at incorrect level: {level + 1} in the JSON DOM. "
                f"Expected at level: {len(shape)}"
            )
        leaves.append(_leaf(value, dtype))
        return
    if level >= len(shape):
        raise invalid(f"Encountered list at unexpected level: {level} expected < {len(shape)}")
    if len(value) != shape[level]:
        raise invalid(f"Encountered list at unexpected size: {len(value)} at level: {level} expected size: {shape[level]}")
    for element in value:
        _fill(element, level + 1, shape, dtype, leaves)


def _leaf(value: Any, dtype: tf.DType) -> Any:
    if dtype == tf.string and isinstance(value, dict):
        return _bytes(value)
    if dtype == tf.string and isinstance(value, str):
        return value.encode("utf-8", errors="replace")
    if dtype == tf.bool and isinstance(value, bool):
        return value
    if dtype.is_integer and type(value) is int and dtype.min <= value <= dtype.max:
        return value
    if dtype.is_floating and type(value) in (int, float):
        try:
            return float(value)
        except OverflowError:
            return float("inf") if value > 0 else float("-inf")
    raise invalid(f"JSON Value: {_shown(value)} Type: {_json_type(value)} is not of expected type: {_dtype_name(dtype)}")


def _bytes(value: dict) -> bytes:
    if not _is_base64(value):
        raise invalid(f"JSON Value: {_shown(value)} not formatted correctly for base64 data")
    try:
        text = value["b64"]
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)  # the padding may be left out
    except (binascii.Error, ValueError):
        raise invalid("Unable to base64 decode") from None


def _json_type(value: Any) -> str:
    if value is None:
        return "Null"
    if isinstance(value, bool):
        return str(value)
    return {dict: "Object", list: "Array", str: "String"}.get(type(value), "Number")


def _dtype_name(dtype: tf.DType) -> str:
    known = {tf.float32: "float", tf.float64: "double"}
    return known.get(dtype) or str(dtype.name)


def _shown(value: Any) -> str:
    """The beginning of a value, for an error."""
    shown = ""
    try:
        for part in json.JSONEncoder(ensure_ascii=False).iterencode(value):
            shown += part
            if len(shown) >= _SHOWN:
                break
    except RecursionError:  # nested more deeply than the encoder goes
        shown += "..."
    return shown[:_SHOWN]
