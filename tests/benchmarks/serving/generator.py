"""The generator that is served: the default profile's network, exported as a run exports it, its weights untrained.

Their values do not change how long an image takes.
"""

from __future__ import annotations

import base64
from pathlib import Path

import numpy as np

from components.shape import ImageShape
from serving.repository import contract
from tests.support.shapes import GREY_28

MODEL = "mnist_gan"
CLASSES = 10


def build(directory: Path, seed: int, shape: ImageShape = GREY_28) -> Path:
    """Export a generator; another seed is another model."""
    from components.gan.export import export
    from components.gan.recipes import conv
    from components.gan.settings import GanSettings
    from components.gan.train_state import TrainState

    settings = GanSettings(seed=seed)
    metadata = {
        contract.META_FORMAT: contract.METADATA_FORMAT,
        contract.META_DATASET: "mnist",
        contract.META_CLASS_NAMES: [str(label) for label in range(CLASSES)],
        contract.META_CONDITIONAL: True,
        contract.META_LATENT_SIZE: settings.latent_size,
        contract.META_IMAGE_SHAPE: [shape.height, shape.width, shape.channels],
        contract.META_TRAINING_KEY: f"untrained {seed}",
    }
    export(TrainState(conv, settings, CLASSES, shape, "float32"), directory, MODEL, metadata)
    return directory


def rows_of(turn: int, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Seeds and labels of the turn-th request."""
    return np.arange(turn * rows, (turn + 1) * rows, dtype=np.int64), np.zeros(rows, np.int64)


def predict_requests(rows: int, count: int = 16) -> list[str]:
    """Requests of TensorFlow Serving's contract, serialised, as base64."""
    import tensorflow as tf
    from tensorflow_serving.apis import predict_pb2

    requests = []
    for turn in range(count):
        request = predict_pb2.PredictRequest(output_filter=[contract.OUTPUT_IMAGE])
        request.model_spec.name, request.model_spec.signature_name = MODEL, contract.SIGNATURE_SAMPLE
        seeds, labels = rows_of(turn, rows)
        request.inputs[contract.INPUT_SEED].CopyFrom(tf.make_tensor_proto(seeds))
        request.inputs[contract.INPUT_LABEL].CopyFrom(tf.make_tensor_proto(labels))
        requests.append(base64.b64encode(request.SerializeToString()).decode())
    return requests


def predicted_images(answer: bytes) -> np.ndarray:
    """The images of a serialised PredictResponse."""
    import tensorflow as tf
    from tensorflow_serving.apis import predict_pb2

    return tf.make_ndarray(predict_pb2.PredictResponse.FromString(answer).outputs[contract.OUTPUT_IMAGE])
