"""Classify, Regress and MultiInference: a generator has no such signature, so these only say why, as TensorFlow Serving does.

Sources: servables/tensorflow/{classifier,regressor,multi_inference,multi_inference_helper}.cc.
"""

from __future__ import annotations

from typing import Any

import grpc
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef
from tensorflow_serving.apis import inference_pb2, model_pb2

from serving.repository import contract
from serving.server.models.registry import ModelRegistry
from serving.server.requests.predict import signature_of
from serving.server.requests.refusals import Refusal, invalid

CLASSIFY, REGRESS = "tensorflow/serving/classify", "tensorflow/serving/regress"
_INPUTS = "inputs"
_OUTPUTS = {CLASSIFY: ("classes", "scores"), REGRESS: ("outputs",)}
_KINDS = {CLASSIFY: "classification", REGRESS: "regression"}


def refuse(registry: ModelRegistry, request: Any, method: str) -> None:
    """Refuse a ClassificationRequest or RegressionRequest.

    Args:
        registry: The models.
        request: The request.
        method: CLASSIFY or REGRESS.

    Raises:
        Refusal: Always.
    """
    if not request.HasField("model_spec"):
        raise invalid("Missing ModelSpec")
    with registry.lease(request.model_spec) as leased:
        name = request.model_spec.signature_name or contract.SIGNATURE_DEFAULT
        signature = signature_of(leased, name)
        if signature is None:
            raise invalid(f"No signature was found with the name: {name}")
        _check(signature, method)
    raise _unimplemented(method)


def refuse_multi(registry: ModelRegistry, request: inference_pb2.MultiInferenceRequest) -> None:
    """Refuse a MultiInferenceRequest.

    Raises:
        Refusal: Always.
    """
    first = request.tasks[0].model_spec if request.tasks else model_pb2.ModelSpec()
    names: set[str] = set()
    with registry.lease(first) as leased:
        for task in request.tasks:
            name = task.model_spec.signature_name or contract.SIGNATURE_DEFAULT
            signature = signature_of(leased, name)
            if not task.model_spec.name:
                raise invalid("Found ModelSpec with an empty model name.")
            if task.model_spec.name != first.name:
                raise invalid("All ModelSpecs in a MultiInferenceRequest must access the same model name.")
            if name in names:
                raise invalid(f"Duplicate evaluation of signature: {name}")
            if signature is None:
                raise invalid(f"Requested signature not found in model graph: {name}")
            names.add(name)
            if task.method_name not in _OUTPUTS:
                raise Refusal(grpc.StatusCode.UNIMPLEMENTED, f"Unsupported signature method_name: {task.method_name}")
            _check(signature, task.method_name)
    raise _unimplemented("MultiInference")


def _check(signature: SignatureDef, method: str) -> None:
    """Refuse a signature that isn't one of examples, the way PreProcessClassification and PreProcessRegression do."""
    if len(signature.inputs) != 1:
        raise invalid("Expected one input Tensor.")
    found = len(signature.outputs)
    if method == CLASSIFY and found not in (1, 2):
        raise invalid(f"Expected one or two output Tensors, found {found}")
    if method == REGRESS and found != 1:
        raise invalid("Expected one output Tensor.")
    if _INPUTS not in signature.inputs or not any(alias in signature.outputs for alias in _OUTPUTS[method]):
        raise invalid(f"No {_KINDS[method]} inputs or outputs found in SignatureDef")


def _unimplemented(method: str) -> Refusal:
    return Refusal(grpc.StatusCode.UNIMPLEMENTED, f"this server runs no {method}: use tensorflow_model_server")
