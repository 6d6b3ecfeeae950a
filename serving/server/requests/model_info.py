"""GetModelMetadata, GetModelStatus and the reload of a configuration, worded as in TensorFlow Serving.

Sources: servables/tensorflow/get_model_metadata_impl.cc, model_servers/{get_model_status_impl,model_service_impl,server_core}.cc.
"""

from __future__ import annotations

from pathlib import Path

import grpc
from tensorflow.core.protobuf import error_codes_pb2
from tensorflow_serving.apis import get_model_metadata_pb2, get_model_status_pb2, model_management_pb2

from serving.repository.errors import UserError
from serving.server.models.model_config import from_list
from serving.server.models.registry import ModelRegistry
from serving.server.requests.refusals import Refusal, invalid, without_paths

SIGNATURE_DEF = "signature_def"
_LOAD_SECONDS = 120  # TensorFlow Serving waits for ever, and holds the caller


def get_metadata(
    registry: ModelRegistry, request: get_model_metadata_pb2.GetModelMetadataRequest
) -> get_model_metadata_pb2.GetModelMetadataResponse:
    """Tell the signatures of a served version.

    Raises:
        Refusal: A request that asks for something else, or for a version that is not served.
    """
    if not request.HasField("model_spec"):
        raise invalid("Missing ModelSpec")
    if not request.metadata_field:
        raise invalid("GetModelMetadataRequest must specify at least one metadata_field")
    for field in request.metadata_field:
        if field != SIGNATURE_DEF:
            raise invalid(f"Metadata field {field} is not supported")
    response = get_model_metadata_pb2.GetModelMetadataResponse()
    with registry.lease(request.model_spec) as leased:
        signatures = get_model_metadata_pb2.SignatureDefMap()
        for name, signature in leased.servable.signature_defs.items():
            signatures.signature_def[name].CopyFrom(signature)
    response.model_spec.name = request.model_spec.name
    response.model_spec.version.value = leased.number
    response.metadata[SIGNATURE_DEF].Pack(signatures)
    return response


def get_status(
    registry: ModelRegistry, request: get_model_status_pb2.GetModelStatusRequest
) -> get_model_status_pb2.GetModelStatusResponse:
    """Tell the state of every version of a model, or of one.

    Raises:
        Refusal: No such model or version.
    """
    registry.check_loaded()
    if not request.HasField("model_spec"):
        raise invalid("Missing ModelSpec")
    spec = request.model_spec
    model = registry.models().get(spec.name)
    states = model.states() if model else []
    if spec.HasField("version"):
        states = [state for state in states if state.version == spec.version.value]
        if not states:
            raise Refusal(grpc.StatusCode.NOT_FOUND, f"Could not find version {spec.version.value} of model {spec.name}")
    if not states:
        raise Refusal(grpc.StatusCode.NOT_FOUND, f"Could not find any versions of model {spec.name}")
    response = get_model_status_pb2.GetModelStatusResponse()
    for state in reversed(states):  # the newest first, as in TensorFlow Serving
        entry = response.model_version_status.add(version=state.version)
        entry.state = get_model_status_pb2.ModelVersionStatus.State.Value(state.state)
        entry.status.error_code = error_codes_pb2.FAILED_PRECONDITION if state.error else error_codes_pb2.OK
        entry.status.error_message = without_paths(state.error)
    return response


def reload(
    registry: ModelRegistry, request: model_management_pb2.ReloadConfigRequest, root: Path
) -> model_management_pb2.ReloadConfigResponse:
    """Serve the models, versions and labels of a new configuration, and no others.

    Args:
        registry: The models.
        request: A ModelServerConfig with a model_config_list.
        root: Base paths must lie in this directory: a SavedModel is a program, and whoever may call this server should not choose
            among all that the machine holds. TensorFlow Serving has no such limit.

    Raises:
        Refusal: What server_core.cc refuses; nothing has changed then.
    """
    if request.config.WhichOneof("config") != "model_config_list":
        raise invalid(
            "ServerModelConfig type not supported by HandleReloadConfigRequest. Only ModelConfigList is currently supported"
        )
    try:
        configs = from_list(request.config.model_config_list, root)
    except UserError as error:
        raise invalid(str(error)) from error
    for proto, config in zip(request.config.model_config_list.config, configs, strict=True):
        if not Path(proto.base_path).is_absolute():
            raise invalid(f"Expected model {proto.name} to have an absolute path or URI; got base_path()={proto.base_path}")
        if not config.base.resolve().is_relative_to(root.resolve()):
            raise Refusal(grpc.StatusCode.PERMISSION_DENIED, f"base_path of model {proto.name} must lie in {root}")
    registry.reload(configs, _LOAD_SECONDS)
    response = model_management_pb2.ReloadConfigResponse()
    response.status.error_code = error_codes_pb2.OK
    return response
