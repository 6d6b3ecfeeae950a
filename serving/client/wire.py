"""TensorFlow Serving's messages, as far as this client speaks them.

Names and numbers are those of the public protos (https://github.com/tensorflow/serving, https://github.com/tensorflow/tensorflow);
fields that no generator needs are left out, and skipped where a server sends them. They live in a descriptor pool of their own:
protobuf's default pool holds one definition of a name in a process, and may have TensorFlow's own.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from google.protobuf import any_pb2, descriptor_pool, message_factory, wrappers_pb2
from google.protobuf.descriptor_pb2 import DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorProto

# A tensor's element types, by the number that TensorFlow gives them.
DATA_TYPES = {
    1: "DT_FLOAT",
    2: "DT_DOUBLE",
    3: "DT_INT32",
    4: "DT_UINT8",
    5: "DT_INT16",
    6: "DT_INT8",
    7: "DT_STRING",
    9: "DT_INT64",
    10: "DT_BOOL",
}
# A version's states.
_STATES = {0: "UNKNOWN", 10: "START", 20: "LOADING", 30: "AVAILABLE", 40: "UNLOADING", 50: "END"}
_SCALARS = ("double", "float", "int64", "int32", "bool", "string", "bytes")


class _Field(NamedTuple):
    number: int
    type: str
    repeated: bool = False
    of: str = ""  # full name, where the type is "message" or "enum"
    key: str = ""  # scalar type of a map's keys, where it is a map


def _one(number: int, kind: str) -> _Field:
    return _Field(number, kind) if kind in _SCALARS else _Field(number, "message", of=kind)


def _many(number: int, kind: str) -> _Field:
    return _one(number, kind)._replace(repeated=True)


def _map(number: int, kind: str) -> _Field:
    return _Field(number, "message", repeated=True, of=kind, key="string")


def _enum(number: int, name: str) -> _Field:
    return _Field(number, "enum", of=name)


_TENSORFLOW = {
    "TensorShapeProto.Dim": {"size": _one(1, "int64"), "name": _one(2, "string")},
    "TensorShapeProto": {"dim": _many(2, "tensorflow.TensorShapeProto.Dim"), "unknown_rank": _one(3, "bool")},
    "TensorProto": {
        "dtype": _enum(1, "tensorflow.DataType"),
        "tensor_shape": _one(2, "tensorflow.TensorShapeProto"),
        "tensor_content": _one(4, "bytes"),
        "float_val": _many(5, "float"),
        "double_val": _many(6, "double"),
        "int_val": _many(7, "int32"),
        "string_val": _many(8, "bytes"),
        "int64_val": _many(10, "int64"),
        "bool_val": _many(11, "bool"),
    },
    "TensorInfo": {"dtype": _enum(2, "tensorflow.DataType"), "tensor_shape": _one(3, "tensorflow.TensorShapeProto")},
    "SignatureDef": {"inputs": _map(1, "tensorflow.TensorInfo"), "outputs": _map(2, "tensorflow.TensorInfo")},
}
_SERVING = {
    "ModelSpec": {
        "name": _one(1, "string"),
        "version": _one(2, "google.protobuf.Int64Value"),
        "signature_name": _one(3, "string"),
        "version_label": _one(4, "string"),
    },
    "PredictRequest": {
        "model_spec": _one(1, "tensorflow.serving.ModelSpec"),
        "inputs": _map(2, "tensorflow.TensorProto"),
        "output_filter": _many(3, "string"),
    },
    "PredictResponse": {"outputs": _map(1, "tensorflow.TensorProto"), "model_spec": _one(2, "tensorflow.serving.ModelSpec")},
    "SignatureDefMap": {"signature_def": _map(1, "tensorflow.SignatureDef")},
    "GetModelMetadataRequest": {"model_spec": _one(1, "tensorflow.serving.ModelSpec"), "metadata_field": _many(2, "string")},
    "GetModelMetadataResponse": {
        "model_spec": _one(1, "tensorflow.serving.ModelSpec"),
        "metadata": _map(2, "google.protobuf.Any"),
    },
    "StatusProto": {"error_message": _one(2, "string")},
    "ModelVersionStatus": {
        "version": _one(1, "int64"),
        "state": _enum(2, "tensorflow.serving.ModelVersionStatus.State"),
        "status": _one(3, "tensorflow.serving.StatusProto"),
    },
    "GetModelStatusRequest": {"model_spec": _one(1, "tensorflow.serving.ModelSpec")},
    "GetModelStatusResponse": {"model_version_status": _many(1, "tensorflow.serving.ModelVersionStatus")},
}


def _add_field(message: DescriptorProto, path: str, name: str, field: _Field) -> None:
    kind, of = field.type, field.of
    if field.key:
        entry = message.nested_type.add(name="".join(part.title() for part in name.split("_")) + "Entry")
        entry.options.map_entry = True
        _add_field(entry, "", "key", _one(1, field.key))
        _add_field(entry, "", "value", _one(2, of))
        of = f"{path}.{entry.name}"
    label = FieldDescriptorProto.LABEL_REPEATED if field.repeated else FieldDescriptorProto.LABEL_OPTIONAL
    added = message.field.add(name=name, number=field.number, label=label)
    added.type = FieldDescriptorProto.Type.Value(f"TYPE_{kind.upper()}")
    if of:
        added.type_name = f".{of}"


def _file(
    package: str, messages: dict[str, dict[str, _Field]], enums: dict[str, dict[int, str]], needs: list[str]
) -> FileDescriptorProto:
    """Describe one package; a name with a dot is nested in the message before the dot."""
    file = FileDescriptorProto(name=f"{package}.proto", package=package, syntax="proto3", dependency=needs)
    made: dict[str, DescriptorProto] = {}
    for path in sorted(messages):  # an outer message comes before what is nested in it
        outer, _, name = path.rpartition(".")
        made[path] = (made[outer].nested_type if outer else file.message_type).add(name=name)
        for field, how in messages[path].items():
            _add_field(made[path], f"{package}.{path}", field, how)
    for path, values in enums.items():
        outer, _, name = path.rpartition(".")
        enum: EnumDescriptorProto = (made[outer] if outer else file).enum_type.add(name=name)
        for number, value in values.items():
            enum.value.add(name=value, number=number)
    return file


def _pool() -> descriptor_pool.DescriptorPool:
    pool = descriptor_pool.DescriptorPool()
    googles = [wrappers_pb2.DESCRIPTOR, any_pb2.DESCRIPTOR]
    for known in googles:
        pool.AddSerializedFile(known.serialized_pb)
    tensorflow = _file("tensorflow", _TENSORFLOW, {"DataType": {0: "DT_INVALID", **DATA_TYPES}}, [])
    needs = [tensorflow.name, *(known.name for known in googles)]
    serving = _file("tensorflow.serving", _SERVING, {"ModelVersionStatus.State": _STATES}, needs)
    for file in (tensorflow, serving):
        pool.AddSerializedFile(file.SerializeToString())
    return pool


_POOL = _pool()


def _class(name: str) -> Any:
    return message_factory.GetMessageClass(_POOL.FindMessageTypeByName(name))


TensorProto = _class("tensorflow.TensorProto")
PredictRequest = _class("tensorflow.serving.PredictRequest")
PredictResponse = _class("tensorflow.serving.PredictResponse")
SignatureDefMap = _class("tensorflow.serving.SignatureDefMap")
GetModelMetadataRequest = _class("tensorflow.serving.GetModelMetadataRequest")
GetModelMetadataResponse = _class("tensorflow.serving.GetModelMetadataResponse")
GetModelStatusRequest = _class("tensorflow.serving.GetModelStatusRequest")
GetModelStatusResponse = _class("tensorflow.serving.GetModelStatusResponse")


def to_bytes(message: Any) -> bytes:
    """A message as it travels."""
    return message.SerializeToString()


def state_name(number: int) -> str:
    """A version's state in words, TensorFlow Serving's own."""
    return _STATES.get(number, str(number))
