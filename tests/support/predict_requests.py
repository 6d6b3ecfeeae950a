"""Predict requests as TensorFlow Serving's clients make them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from serving.repository import contract

if TYPE_CHECKING:
    from tensorflow_serving.apis import predict_pb2


def predict_request(name: str = "tiny", signature: str = contract.SIGNATURE_SAMPLE, **inputs: Any) -> predict_pb2.PredictRequest:
    """Ask a model for images: `inputs` are values by alias, by default one seed and one label, both 1."""
    import tensorflow as tf
    from tensorflow_serving.apis import predict_pb2

    request = predict_pb2.PredictRequest()
    request.model_spec.name, request.model_spec.signature_name = name, signature
    for alias, value in (inputs or {contract.INPUT_SEED: [1], contract.INPUT_LABEL: [1]}).items():
        array = np.asarray(value, np.float32 if alias == contract.INPUT_LATENT else np.int64)
        request.inputs[alias].CopyFrom(tf.make_tensor_proto(array))
    return request
