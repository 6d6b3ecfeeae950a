"""A tiny but real generator SavedModel: the four signatures, metadata and warm-up requests of the serving contract.

A row's pixels are a short sum of fixed patterns weighted by its latent: elementwise arithmetic only, so that the bits of a row
never depend on the batch it travels in, and building, loading and running stay fast.
"""

from __future__ import annotations

import json
import math
from pathlib import Path

from serving.repository import contract

LATENT_SIZE = 4


def build_tiny_generator(
    directory: Path,
    *,
    num_classes: int = 10,
    scale: float = 1.0,
    training_key: str = "k",
    conditional: bool = True,
    shape: tuple[int, int, int] = (28, 28, 1),
) -> Path:
    """Save a tiny generator as a trainer would.

    Args:
        directory: Where the SavedModel goes; made if missing.
        num_classes: Classes that the label chooses from.
        scale: A factor on the weights: another scale is another model with other pixels.
        training_key: The metadata's training key.
        conditional: False makes every answered label -1, as an unconditional generator does.
        shape: Height, width and channels of its images.

    Returns:
        `directory`.
    """
    import tensorflow as tf

    module = _module(num_classes, scale, conditional, shape)
    signatures = {
        contract.SIGNATURE_DEFAULT: module.from_latent,
        contract.SIGNATURE_SAMPLE: module.sample,
        contract.SIGNATURE_SAMPLE_PNG: module.sample_png,
        contract.SIGNATURE_LATENT: module.latent,
    }
    tf.saved_model.save(module, str(directory), signatures=signatures)
    (directory / contract.ASSETS_EXTRA).mkdir(exist_ok=True)
    metadata = {
        contract.META_FORMAT: contract.METADATA_FORMAT,
        contract.META_DATASET: "mnist",
        contract.META_CLASS_NAMES: [str(label) for label in range(num_classes)],
        contract.META_CONDITIONAL: conditional,
        contract.META_LATENT_SIZE: LATENT_SIZE,
        contract.META_IMAGE_SHAPE: list(shape),
        contract.META_RECIPE: "conv",
        contract.META_SEED: 0,
        contract.META_CONFIG: {"scale": scale},
        contract.META_CODE_HASH: "0" * 64,
        contract.META_DATA_DIGEST: "0" * 64,
        contract.META_TRAINING_KEY: training_key,
    }
    (directory / contract.METADATA_FILE).write_text(json.dumps(metadata, indent=2), encoding="utf-8")
    write_warmup(directory)
    return directory


def write_warmup(directory: Path, batch_sizes: tuple[int, ...] = (1, 3)) -> None:
    """Write one warm-up PredictionLog for each signature and batch size, replacing those there are."""
    import numpy as np
    import tensorflow as tf
    from tensorflow_serving.apis import prediction_log_pb2

    with tf.io.TFRecordWriter(str(directory / contract.WARMUP_FILE)) as writer:
        for signature in contract.SIGNATURES:
            for rows in batch_sizes:
                record = prediction_log_pb2.PredictionLog()
                request = record.predict_log.request
                request.model_spec.name = "tiny"
                request.model_spec.signature_name = signature
                label = np.full(rows, contract.ANY_LABEL if signature != contract.SIGNATURE_DEFAULT else 0, np.int64)
                request.inputs[contract.INPUT_LABEL].CopyFrom(tf.make_tensor_proto(label))
                if signature == contract.SIGNATURE_DEFAULT:
                    latent = np.zeros((rows, LATENT_SIZE), np.float32)
                    request.inputs[contract.INPUT_LATENT].CopyFrom(tf.make_tensor_proto(latent))
                else:
                    request.inputs[contract.INPUT_SEED].CopyFrom(tf.make_tensor_proto(np.arange(rows, dtype=np.int64)))
                writer.write(record.SerializeToString())


def _module(num_classes: int, scale: float, conditional: bool, shape: tuple[int, int, int]):
    import numpy as np
    import tensorflow as tf

    pixels = math.prod(shape)

    class TinyGenerator(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            random = np.random.default_rng(0)
            self.patterns = tf.Variable(scale * random.normal(size=(LATENT_SIZE, pixels)), dtype=tf.float32)
            self.classes = tf.Variable(scale * random.normal(size=(num_classes, pixels)), dtype=tf.float32)

        def _image(self, latent, label):
            known = tf.logical_and(label >= contract.ANY_LABEL, label < num_classes)
            with tf.control_dependencies([tf.debugging.Assert(tf.reduce_all(known), ["label outside the classes", label])]):
                summed = tf.gather(self.classes, tf.maximum(label, 0))
            for index in range(LATENT_SIZE):
                summed += latent[:, index, tf.newaxis] * self.patterns[index]
            return tf.reshape(tf.tanh(summed), (-1, *shape))

        def _latent(self, seed, label):
            def row(one):
                key = tf.stack([one, tf.constant(1, tf.int64)])
                latent = tf.random.stateless_normal([LATENT_SIZE], key)
                return latent, tf.random.stateless_uniform([], key + 1, maxval=num_classes, dtype=tf.int64)

            spec = (tf.TensorSpec([LATENT_SIZE], tf.float32), tf.TensorSpec([], tf.int64))
            latent, drawn = tf.map_fn(row, seed, fn_output_signature=spec)
            return latent, tf.where(label == contract.ANY_LABEL, drawn, label)

        def _answered(self, label):
            return label if conditional else tf.fill(tf.shape(label), tf.constant(contract.ANY_LABEL, tf.int64))

        def _draw(self, seed, label):
            latent, chosen = self._latent(seed, label if conditional else tf.zeros_like(label))
            rounded = tf.round((self._image(latent, chosen) + 1.0) * 127.5)
            return tf.cast(tf.clip_by_value(rounded, 0.0, 255.0), tf.uint8), self._answered(chosen)

        @tf.function(
            input_signature=[
                tf.TensorSpec([None, LATENT_SIZE], tf.float32, contract.INPUT_LATENT),
                tf.TensorSpec([None], tf.int64, contract.INPUT_LABEL),
            ]
        )
        def from_latent(self, latent, label):
            return {contract.OUTPUT_IMAGE: self._image(latent, label)}

        @tf.function(
            input_signature=[
                tf.TensorSpec([None], tf.int64, contract.INPUT_SEED),
                tf.TensorSpec([None], tf.int64, contract.INPUT_LABEL),
            ]
        )
        def sample(self, seed, label):
            image, answered = self._draw(seed, label)
            return {contract.OUTPUT_IMAGE: image, contract.OUTPUT_LABEL: answered}

        @tf.function(
            input_signature=[
                tf.TensorSpec([None], tf.int64, contract.INPUT_SEED),
                tf.TensorSpec([None], tf.int64, contract.INPUT_LABEL),
            ]
        )
        def sample_png(self, seed, label):
            image, answered = self._draw(seed, label)
            png = tf.map_fn(tf.io.encode_png, image, fn_output_signature=tf.TensorSpec([], tf.string))
            return {contract.OUTPUT_PNG: png, contract.OUTPUT_LABEL: answered}

        @tf.function(
            input_signature=[
                tf.TensorSpec([None], tf.int64, contract.INPUT_SEED),
                tf.TensorSpec([None], tf.int64, contract.INPUT_LABEL),
            ]
        )
        def latent(self, seed, label):
            latent, chosen = self._latent(seed, label)
            return {contract.OUTPUT_LATENT: latent, contract.OUTPUT_LABEL: self._answered(chosen)}

    return TinyGenerator()
