"""What tensorflow_model_server takes: its flags, and the messages of two of its files, from its sources.

tensorflow-serving-api carries neither (model_servers/main.cc, session_bundle_config.proto, monitoring_config.proto).
"""

from __future__ import annotations

from google.protobuf import descriptor_pb2, descriptor_pool, message, message_factory

FLAGS = frozenset(  # the names that main.cc registers
    """
    port grpc_socket_path rest_api_port rest_api_num_threads rest_api_timeout_in_ms rest_api_enable_cors_support
    enable_batching allow_version_labels_for_unavailable_models batching_parameters_file
    enable_per_model_batching_parameters model_config_file model_config_file_poll_wait_seconds model_name model_base_path
    num_load_threads num_unload_threads max_num_load_retries load_retry_interval_micros file_system_poll_wait_seconds
    flush_filesystem_caches tensorflow_session_parallelism tensorflow_session_config_file tensorflow_intra_op_parallelism
    tensorflow_inter_op_parallelism use_alts_credentials ssl_config_file platform_config_file
    per_process_gpu_memory_fraction saved_model_tags grpc_channel_arguments grpc_max_threads enable_model_warmup
    num_request_iterations_for_warmup version monitoring_config_file remove_unused_fields_from_bundle_metagraph
    prefer_tflite_model num_tflite_pools num_tflite_interpreters_per_pool enable_signature_method_name_check
    xla_cpu_compilation_enabled xla_gpu_compilation_enabled enable_profiler thread_pool_factory_config_file
    mixed_precision skip_initialize_tpu enable_grpc_healthcheck_service enable_serialization_as_tensor_content
    """.split()  # noqa: SIM905 (a list of 49 lines is no better)
)

_Field = descriptor_pb2.FieldDescriptorProto
_WRAPPED = {"max_batch_size": 1, "batch_timeout_micros": 2, "max_enqueued_batches": 3, "num_batch_threads": 4}


def batching_parameters() -> message.Message:
    """An empty BatchingParameters."""
    file = descriptor_pb2.FileDescriptorProto(name="batching.proto", package="test.batching", syntax="proto3")
    wrapper = file.message_type.add(name="Int64Value")
    wrapper.field.add(name="value", number=1, type=_Field.TYPE_INT64, label=_Field.LABEL_OPTIONAL)
    parameters = file.message_type.add(name="BatchingParameters")
    for name, number in _WRAPPED.items():
        kind = {"type": _Field.TYPE_MESSAGE, "type_name": ".test.batching.Int64Value", "label": _Field.LABEL_OPTIONAL}
        parameters.field.add(name=name, number=number, **kind)
    parameters.field.add(name="allowed_batch_sizes", number=6, type=_Field.TYPE_INT64, label=_Field.LABEL_REPEATED)
    return _made(file, "BatchingParameters")


def monitoring_config() -> message.Message:
    """An empty MonitoringConfig."""
    file = descriptor_pb2.FileDescriptorProto(name="monitoring.proto", package="test.monitoring", syntax="proto3")
    prometheus = file.message_type.add(name="PrometheusConfig")
    prometheus.field.add(name="enable", number=1, type=_Field.TYPE_BOOL, label=_Field.LABEL_OPTIONAL)
    prometheus.field.add(name="path", number=2, type=_Field.TYPE_STRING, label=_Field.LABEL_OPTIONAL)
    config = file.message_type.add(name="MonitoringConfig")
    kind = {"type": _Field.TYPE_MESSAGE, "type_name": ".test.monitoring.PrometheusConfig", "label": _Field.LABEL_OPTIONAL}
    config.field.add(name="prometheus_config", number=1, **kind)
    return _made(file, "MonitoringConfig")


def _made(file: descriptor_pb2.FileDescriptorProto, name: str) -> message.Message:
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{file.package}.{name}"))()
