"""The generator as a SavedModel: the contract's signatures, its metadata and warm-up requests."""

from __future__ import annotations

import functools
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from components.classes import ONE_GROUP
from components.gan.latents import uniform_labels
from components.gan.train_state import TrainState
from components.transform.pixels import quantise
from serving.repository import contract
from serving.repository.metadata import write_metadata

_WARMUP_ROWS = (1, 32)  # a lone request, and a batch


class Generator(tf.Module):
    """The EMA generator behind the signatures of `serving/repository/contract.py`."""

    def __init__(self, state: TrainState, labels: tuple[int, ...], *, conditional: bool) -> None:
        """Take the trained generator out of a train state, with the classes that "any" stands for."""
        super().__init__(name="generator")
        # A copy outside of the training's strategy, whose variables may be spread over devices.
        network = state.recipe.build_generator(state.settings, state.num_classes, state.shape, "float64")
        network.set_weights(state.ema_generator.get_weights())
        # TensorFlow Serving restores the variables that the module tracks. Of a Keras variable these would be copies, made while
        # saving, and the graph's own would stay empty: so the module tracks TensorFlow's variables, and not the network.
        self.weights = [variable.value for variable in network.variables]
        self._network = functools.partial(network, training=False)
        self._draw, self._conditional = state.recipe.draw_latents, conditional
        self._any = np.array(labels, np.int64)
        self._num_classes, self._latent_size = state.num_classes, state.settings.latent_size

    def signatures(self) -> dict[str, tf.types.experimental.ConcreteFunction]:
        """Return the concrete functions by signature name."""
        labels = tf.TensorSpec([None], tf.int64, name=contract.INPUT_LABEL)
        seeds = tf.TensorSpec([None], tf.int64, name=contract.INPUT_SEED)
        latents = tf.TensorSpec([None, self._latent_size], tf.float32, name=contract.INPUT_LATENT)
        return {
            contract.SIGNATURE_DEFAULT: self.from_latent.get_concrete_function(latents, labels),
            contract.SIGNATURE_SAMPLE: self.sample.get_concrete_function(seeds, labels),
            contract.SIGNATURE_SAMPLE_PNG: self.sample_png.get_concrete_function(seeds, labels),
            contract.SIGNATURE_LATENT: self.latent.get_concrete_function(seeds, labels),
        }

    @tf.function
    def from_latent(self, latent: tf.Tensor, label: tf.Tensor) -> dict[str, tf.Tensor]:
        """Draw float32 [N, H, W, C] images in [-1, 1] from latents float32 [N, Z] and labels int64 [N]."""
        return {contract.OUTPUT_IMAGE: tf.cast(self._network([latent, self._known(self._checked(label))]), tf.float32)}

    @tf.function
    def sample(self, seed: tf.Tensor, label: tf.Tensor) -> dict[str, tf.Tensor]:
        """Draw uint8 [N, H, W, C] images and say their labels int64 [N], from seeds and labels int64 [N]."""
        image, label = self._sample(seed, label)
        return {contract.OUTPUT_IMAGE: image, contract.OUTPUT_LABEL: label}

    @tf.function
    def sample_png(self, seed: tf.Tensor, label: tf.Tensor) -> dict[str, tf.Tensor]:
        """Draw as `sample`, each image PNG-encoded: string [N]."""
        image, label = self._sample(seed, label)
        png = tf.map_fn(tf.io.encode_png, image, fn_output_signature=tf.TensorSpec([], tf.string))
        return {contract.OUTPUT_PNG: png, contract.OUTPUT_LABEL: label}

    @tf.function
    def latent(self, seed: tf.Tensor, label: tf.Tensor) -> dict[str, tf.Tensor]:
        """Say the latents float32 [N, Z] and labels int64 [N] that `sample` draws its images from."""
        label = self._chosen(seed, label)
        return {contract.OUTPUT_LATENT: self._draw(seed, self._latent_size), contract.OUTPUT_LABEL: self._answered(label)}

    def _sample(self, seed: tf.Tensor, label: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        label = self._chosen(seed, label)
        image = self._network([self._draw(seed, self._latent_size), self._known(label)])
        return quantise(image), self._answered(label)

    def _known(self, label: tf.Tensor) -> tf.Tensor:
        """What the network takes for a label: without classes always the one group that it was trained with."""
        return label if self._conditional else tf.fill(tf.shape(label), tf.constant(ONE_GROUP, tf.int64))

    def _chosen(self, seed: tf.Tensor, label: tf.Tensor) -> tf.Tensor:
        """Labels with a class in place of "any"."""
        label = self._checked(label)
        if self._conditional:
            drawn = tf.gather(self._any, uniform_labels(seed, len(self._any)))
            label = tf.where(label == contract.ANY_LABEL, drawn, label)
        return label

    def _answered(self, label: tf.Tensor) -> tf.Tensor:
        if self._conditional:
            return label
        return tf.fill(tf.shape(label), tf.constant(contract.ANY_LABEL, tf.int64))

    def _checked(self, label: tf.Tensor) -> tf.Tensor:
        """Refuse a class that does not exist: a gather out of range is an error on CPUs but silent on GPUs."""
        message = f"label must be in 0..{self._num_classes - 1}, or {contract.ANY_LABEL} for any"
        if self._num_classes == 1:
            message = f"this generator is of unlabelled images and has no classes: label must be {contract.ANY_LABEL}"
        low = tf.debugging.assert_greater_equal(label, tf.constant(contract.ANY_LABEL, tf.int64), message)
        high = tf.debugging.assert_less(label, tf.constant(self._num_classes, tf.int64), message)
        with tf.control_dependencies([check for check in (low, high) if check is not None]):
            return tf.identity(label)


def export(
    state: TrainState,
    directory: Path,
    model: str,
    metadata: dict[str, Any],
    labels: tuple[int, ...] | None = None,
    *,
    conditional: bool | None = None,
) -> None:
    """Write the SavedModel.

    Args:
        state: The end of a training.
        directory: The SavedModel directory; replaced if it exists.
        model: The servable's name, for the warm-up requests.
        metadata: What `serving/repository/contract.py` says the trainer writes.
        labels: Classes that it was trained on, which a request for any class draws from; by default all.
        conditional: Whether the label chooses the class; by default as the recipe has it.
    """
    shutil.rmtree(directory, ignore_errors=True)
    known = labels or tuple(range(state.num_classes))
    generator = Generator(state, known, conditional=state.recipe.CONDITIONAL if conditional is None else conditional)
    tf.saved_model.save(generator, str(directory), signatures=generator.signatures())
    write_metadata(directory, metadata)
    _write_warmup(directory / contract.WARMUP_FILE, model, state)


def _write_warmup(path: Path, model: str, state: TrainState) -> None:
    from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

    with tf.io.TFRecordWriter(str(path)) as writer:
        for rows in _WARMUP_ROWS:
            seeds, labels = np.arange(rows, dtype=np.int64), np.zeros(rows, np.int64)
            latents = np.zeros([rows, state.settings.latent_size], np.float32)
            for signature in contract.SIGNATURES:
                request = predict_pb2.PredictRequest()
                request.model_spec.name, request.model_spec.signature_name = model, signature
                first = (
                    (contract.INPUT_LATENT, latents) if signature == contract.SIGNATURE_DEFAULT else (contract.INPUT_SEED, seeds)
                )
                for name, value in (first, (contract.INPUT_LABEL, labels)):
                    request.inputs[name].CopyFrom(tf.make_tensor_proto(value))
                log = prediction_log_pb2.PredictionLog(predict_log=prediction_log_pb2.PredictLog(request=request))
                writer.write(log.SerializeToString())
