"""Draw a generator's samples as they would be served, and name what is wrong with a generator that can't be sampled."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import tensorflow as tf

from serving import contract

_PROBE_ROWS = 16


class Fault(IntEnum):
    """Why a draw failed; a number, so that it can travel as a metric."""

    NONE = 0
    EXCEPTION = 1
    WRONG_OUTPUTS = 2
    WRONG_IMAGES = 3
    WRONG_LABELS = 4

    @property
    def text(self) -> str:
        """What went wrong, in words."""
        return _FAULT_TEXTS[self]


_SAMPLE = f"its signature '{contract.SIGNATURE_SAMPLE}'"
_FAULT_TEXTS = {
    Fault.NONE: "",
    Fault.EXCEPTION: f"{_SAMPLE} fails",
    Fault.WRONG_OUTPUTS: f"{_SAMPLE} lacks the output '{contract.OUTPUT_IMAGE}' or '{contract.OUTPUT_LABEL}'",
    Fault.WRONG_IMAGES: f"{_SAMPLE} does not answer uint8 images [N, {', '.join(map(str, contract.IMAGE_SHAPE))}]",
    Fault.WRONG_LABELS: f"{_SAMPLE} answers neither the labels asked for nor {contract.ANY_LABEL} in every row",
}


@dataclass(frozen=True)
class Draw:
    """Samples of one batch.

    Attributes:
        images: uint8 [N, 28, 28, 1]; zeros where the draw failed.
        answered: int64 [N], the labels that the generator says it drew; -1 if it has no classes.
        fault: What went wrong with the batch.
        detail: The error's first line, if there was one.
    """

    images: np.ndarray
    answered: np.ndarray
    fault: Fault = Fault.NONE
    detail: str = ""


@functools.lru_cache(maxsize=4)  # the probe and every bundle of one worker share a loaded model
def load_generator(path: str) -> tf.Module:
    """Load a generator's SavedModel."""
    return tf.saved_model.load(path)


def draw(path: str, seeds: np.ndarray, labels: np.ndarray) -> Draw:
    """Draw one sample a row; whatever the generator does wrong is answered as a fault, not raised.

    Args:
        path: The SavedModel directory.
        seeds: int64 [N].
        labels: int64 [N], the classes asked for.
    """
    rows = len(labels)
    nothing = np.zeros((rows, *contract.IMAGE_SHAPE), np.uint8), np.full(rows, contract.ANY_LABEL, np.int64)
    try:
        sample = load_generator(path).signatures[contract.SIGNATURE_SAMPLE]
        answer = sample(
            **{contract.INPUT_SEED: tf.constant(seeds, tf.int64), contract.INPUT_LABEL: tf.constant(labels, tf.int64)}
        )
        outputs = {name: value.numpy() for name, value in answer.items()}
    except Exception as error:
        return Draw(*nothing, Fault.EXCEPTION, _first_line(error))
    if not outputs.keys() >= {contract.OUTPUT_IMAGE, contract.OUTPUT_LABEL}:
        return Draw(*nothing, Fault.WRONG_OUTPUTS, f"outputs: {', '.join(sorted(outputs))}")
    images, answered = outputs[contract.OUTPUT_IMAGE], outputs[contract.OUTPUT_LABEL]
    if images.dtype != np.uint8 or images.shape != (rows, *contract.IMAGE_SHAPE):
        return Draw(*nothing, Fault.WRONG_IMAGES, f"{images.dtype} {list(images.shape)}")
    if answered.shape != labels.shape or not ((answered == labels).all() or (answered == contract.ANY_LABEL).all()):
        return Draw(*nothing, Fault.WRONG_LABELS)
    return Draw(images, answered.astype(np.int64))


@dataclass(frozen=True)
class Probe:
    """What a first look at a generator shows.

    Attributes:
        problem: Why it can't be judged, in words; "" if it can.
        conditional: Whether the label chooses the class.
    """

    problem: str
    conditional: bool = False


def probe_generator(path: str, classes: int) -> Probe:
    """Draw a few samples, and images before quantisation, to find a generator that can't be judged before the long evaluation.

    Args:
        path: The SavedModel directory.
        classes: Number of classes C.
    """
    try:
        signatures = load_generator(path).signatures
    except Exception as error:
        return Probe(f"it cannot be loaded: {_first_line(error)}")
    missing = [name for name in (contract.SIGNATURE_DEFAULT, contract.SIGNATURE_SAMPLE) if name not in signatures]
    if missing:
        return Probe(f"it has no signature '{missing[0]}'")
    labels = np.arange(_PROBE_ROWS, dtype=np.int64) % classes
    drawn = draw(path, np.arange(_PROBE_ROWS, dtype=np.int64), labels)
    if drawn.fault:
        return Probe(f"{drawn.fault.text}{': ' if drawn.detail else ''}{drawn.detail}")
    problem = _value_problem(signatures[contract.SIGNATURE_DEFAULT], labels)
    return Probe(problem, conditional=bool((drawn.answered != contract.ANY_LABEL).all()))


def _value_problem(signature: tf.types.experimental.ConcreteFunction, labels: np.ndarray) -> str:
    """Look at values before they are cast to pixels, which would hide what is not a number."""
    try:
        size = signature.structured_input_signature[1][contract.INPUT_LATENT].shape[1]
        latent = np.random.default_rng(0).standard_normal((len(labels), size)).astype(np.float32)
        answer = signature(**{contract.INPUT_LATENT: tf.constant(latent), contract.INPUT_LABEL: tf.constant(labels)})
        values = answer[contract.OUTPUT_IMAGE].numpy()
    except Exception as error:
        return f"its '{contract.SIGNATURE_DEFAULT}' signature fails: {_first_line(error)}"
    return "" if np.isfinite(values).all() else "it emits values that are not finite numbers (NaN or infinity)"


def _first_line(error: Exception) -> str:
    """The line that says what happened; TensorFlow's own errors say first where it did."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    telling = [line for line in lines if not line.startswith(("Graph execution error", "Detected at node", "<stack traces"))]
    return next(iter(telling or lines), type(error).__name__)
