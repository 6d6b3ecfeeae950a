"""TensorFlow Serving's --batching_parameters_file, so that one file can tune both servers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format, wrappers_pb2

from serving.repository.errors import UserError
from serving.server.options import ServerOptions

_INT, _BOOL, _TEXT = ".google.protobuf.Int64Value", ".google.protobuf.BoolValue", ".google.protobuf.StringValue"
# Fields of BatchingParameters (servables/tensorflow/session_bundle_config.proto), which no package on PyPI carries.
_FIELDS = {
    "max_batch_size": (1, _INT),
    "batch_timeout_micros": (2, _INT),
    "max_enqueued_batches": (3, _INT),
    "num_batch_threads": (4, _INT),
    "thread_pool_name": (5, _TEXT),
    "allowed_batch_sizes": (6, None),
    "pad_variable_length_inputs": (7, None),
    "enable_large_batch_splitting": (8, _BOOL),
    "max_execution_batch_size": (9, _INT),
}


def with_batching_file(options: ServerOptions, path: Path) -> ServerOptions:
    """Take sizes and times of batches from a file.

    The embedded server has one thread for each signature, splits large requests and pads nothing, so the fields about those
    are read but change nothing.

    Args:
        options: What the file leaves out.
        path: A text proto of BatchingParameters.

    Raises:
        UserError: No such file, not such a text proto, or a value out of its range.
    """
    try:
        found = text_format.Parse(path.read_text(encoding="utf-8"), _message_class()())
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}; name another file") from error
    except text_format.ParseError as error:
        raise UserError(f"{path} holds no BatchingParameters: {' '.join(str(error).split())}") from error
    values: dict[str, Any] = {}
    if found.HasField("max_batch_size"):
        values["max_batch_size"] = found.max_batch_size.value
    if found.HasField("max_execution_batch_size"):
        values["max_batch_size"] = found.max_execution_batch_size.value
    if found.HasField("batch_timeout_micros"):
        values["batch_timeout_ms"] = found.batch_timeout_micros.value / 1000
    if found.HasField("max_enqueued_batches"):
        # That many full batches: TensorFlow Serving's queue holds rows.
        values["max_queue_rows"] = found.max_enqueued_batches.value * values.get("max_batch_size", options.max_batch_size)
    return replace(options, **values)


def _message_class() -> type[Any]:
    file = descriptor_pb2.FileDescriptorProto(name="batching_parameters.proto", package="forger", syntax="proto3")
    file.dependency.append(wrappers_pb2.DESCRIPTOR.name)
    message = file.message_type.add(name="BatchingParameters")
    kinds = descriptor_pb2.FieldDescriptorProto
    for name, (number, type_name) in _FIELDS.items():
        field = message.field.add(name=name, number=number, label=kinds.LABEL_OPTIONAL)
        if type_name:
            field.type, field.type_name = kinds.TYPE_MESSAGE, type_name
        elif name == "allowed_batch_sizes":
            field.type, field.label = kinds.TYPE_INT64, kinds.LABEL_REPEATED
        else:
            field.type = kinds.TYPE_BOOL
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(wrappers_pb2.DESCRIPTOR.serialized_pb)
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("forger.BatchingParameters"))
