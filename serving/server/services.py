"""TensorFlow Serving's PredictionService and ModelService over one model.

Status codes and messages are TensorFlow Serving's own (model_servers/server_core.cc, get_model_status_impl.cc,
servables/tensorflow/predict_util.cc), so that a client cannot tell the two apart.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import grpc
import tensorflow as tf
from tensorflow.core.protobuf import error_codes_pb2
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_pb2,
    predict_pb2,
)

from serving import contract
from serving.servable import Servable, reason
from serving.server.options import ServerOptions
from serving.server.refusals import Refusal, answering, invalid
from serving.server.tensors import read_inputs, write_tensor
from serving.server.versions import VersionManager

_SIGNATURE_DEF = "signature_def"
_CODES = {code.value[0]: code for code in grpc.StatusCode}


class GeneratorServices:
    """The methods of both services that this server answers; gRPC itself answers UNIMPLEMENTED to the others."""

    def __init__(self, name: str, versions: VersionManager, options: ServerOptions) -> None:
        self._name, self._versions, self._options = name, versions, options

    def handlers(self) -> list[grpc.GenericRpcHandler]:
        """What a gRPC server registers."""
        predict, metadata, status = predict_pb2, get_model_metadata_pb2, get_model_status_pb2
        prediction = {
            "Predict": _unary(self.predict, predict.PredictRequest, predict.PredictResponse),
            "GetModelMetadata": _unary(
                self.get_model_metadata, metadata.GetModelMetadataRequest, metadata.GetModelMetadataResponse
            ),
        }
        model = {"GetModelStatus": _unary(self.get_model_status, status.GetModelStatusRequest, status.GetModelStatusResponse)}
        return [
            grpc.method_handlers_generic_handler(contract.PREDICTION_SERVICE, prediction),
            grpc.method_handlers_generic_handler(contract.MODEL_SERVICE, model),
        ]

    @answering
    def predict(self, request: predict_pb2.PredictRequest, context: grpc.ServicerContext) -> predict_pb2.PredictResponse:
        """Run a signature on the served version."""
        with self._served(request) as (version, servable):
            name = request.model_spec.signature_name or contract.SIGNATURE_DEFAULT
            if name not in servable.signature_defs or not servable.has_signature(name):
                raise Refusal(grpc.StatusCode.FAILED_PRECONDITION, f'Serving signature key "{name}" not found.')
            signature = servable.signature_defs[name]
            inputs = read_inputs(signature, request.inputs, self._options)
            aliases = _wanted_outputs(signature, request.output_filter)
            remaining = context.time_remaining()
            if remaining is not None and remaining <= 0:
                raise Refusal(grpc.StatusCode.DEADLINE_EXCEEDED, "the deadline passed before the request's turn came")
            try:
                outputs = servable.run(name, inputs)
            except tf.errors.OpError as error:
                raise Refusal(_CODES.get(error.error_code, grpc.StatusCode.INTERNAL), reason(error)) from error
        response = predict_pb2.PredictResponse()
        response.model_spec.name, response.model_spec.signature_name = request.model_spec.name, name
        response.model_spec.version.value = version
        for alias in aliases:
            write_tensor(response.outputs[alias], outputs[alias])
        return response

    @answering
    def get_model_metadata(
        self, request: get_model_metadata_pb2.GetModelMetadataRequest, context: grpc.ServicerContext
    ) -> get_model_metadata_pb2.GetModelMetadataResponse:
        """Tell the signatures of the served version."""
        if not request.HasField("model_spec"):
            raise invalid("Missing ModelSpec")
        if not request.metadata_field:
            raise invalid("GetModelMetadataRequest must specify at least one metadata_field")
        for field in request.metadata_field:
            if field != _SIGNATURE_DEF:
                raise invalid(f"Metadata field {field} is not supported")
        response = get_model_metadata_pb2.GetModelMetadataResponse()
        with self._served(request) as (version, servable):
            signatures = get_model_metadata_pb2.SignatureDefMap()
            for name, signature in servable.signature_defs.items():
                signatures.signature_def[name].CopyFrom(signature)
        response.model_spec.name = request.model_spec.name
        response.model_spec.version.value = version
        response.metadata[_SIGNATURE_DEF].Pack(signatures)
        return response

    @answering
    def get_model_status(
        self, request: get_model_status_pb2.GetModelStatusRequest, context: grpc.ServicerContext
    ) -> get_model_status_pb2.GetModelStatusResponse:
        """Tell the state of every version, or of one."""
        self._check_loaded()
        if not request.HasField("model_spec"):
            raise invalid("Missing ModelSpec")
        spec = request.model_spec
        states = self._versions.states() if spec.name == self._name else []
        if spec.HasField("version"):
            states = [state for state in states if state.version == spec.version.value]
            if not states:
                message = f"Could not find version {spec.version.value} of model {spec.name}"
                raise Refusal(grpc.StatusCode.NOT_FOUND, message)
        if not states:
            raise Refusal(grpc.StatusCode.NOT_FOUND, f"Could not find any versions of model {spec.name}")
        response = get_model_status_pb2.GetModelStatusResponse()
        for state in states:
            entry = response.model_version_status.add(version=state.version)
            entry.state = get_model_status_pb2.ModelVersionStatus.State.Value(state.state)
            if state.error:
                entry.status.error_code = error_codes_pb2.FAILED_PRECONDITION
                entry.status.error_message = state.error
        return response

    def _check_loaded(self) -> None:
        """Refuse while the first load is under way; TensorFlow Serving does not even listen then, which a client sees alike."""
        if not self._versions.looked.is_set():
            raise Refusal(grpc.StatusCode.UNAVAILABLE, contract.STILL_LOADING)

    @contextlib.contextmanager
    def _served(self, request) -> Iterator[tuple[int, Servable]]:
        """Resolve a request's model spec to the served version and hold on to it."""
        self._check_loaded()
        if not request.HasField("model_spec"):
            raise invalid("Missing ModelSpec")
        spec: model_pb2.ModelSpec = request.model_spec
        if not spec.name:
            raise invalid("ModelSpec has no name specified.")
        if spec.HasField("version_label"):
            raise invalid(f"Unrecognized servable version label: {spec.version_label}")
        version = spec.version.value if spec.HasField("version") else None
        wanted = f"Latest({spec.name})" if version is None else f"Specific({spec.name}, {version})"
        missing = Refusal(grpc.StatusCode.NOT_FOUND, f"Servable not found for request: {wanted}")
        if spec.name != self._name:
            raise missing
        with self._versions.lease(version) as leased:
            if leased is None:
                raise missing
            yield leased


def _wanted_outputs(signature, output_filter) -> list[str]:
    known = sorted(signature.outputs)
    wanted: list[str] = []
    for alias in output_filter:
        if alias not in signature.outputs:
            expected = "{" + ",".join(known) + "}"
            raise invalid(f"output tensor alias not found in signature: {alias} Outputs expected to be in the set {expected}.")
        if alias in wanted:
            raise invalid(f"duplicate output tensor alias: {alias}")
        wanted.append(alias)
    return wanted or known


def _unary(method, request_class, response_class) -> grpc.RpcMethodHandler:
    return grpc.unary_unary_rpc_method_handler(
        method, request_deserializer=request_class.FromString, response_serializer=response_class.SerializeToString
    )
