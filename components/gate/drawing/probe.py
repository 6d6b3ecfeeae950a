"""A first look at a generator: name what is wrong with one that can't be judged, before the long evaluation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from components.gate.drawing.draw import draw, in_time, load_generator
from serving.repository import contract
from serving.repository.errors import first_line

_PROBE_ROWS = 16


@dataclass(frozen=True)
class Probe:
    """What a first look at a generator shows.

    Attributes:
        problem: Why it can't be judged, in words; "" if it can.
        conditional: Whether the label chooses the class.
    """

    problem: str
    conditional: bool = False


def probe_generator(path: str, classes: int, timeout_s: float = 120.0, *, shape: tuple[int, ...]) -> Probe:
    """Draw a few samples, and images before quantisation, to find a generator that can't be judged before the long evaluation.

    Args:
        path: The SavedModel directory.
        classes: Number of classes C.
        timeout_s: Seconds that each draw may take.
        shape: Height, width and channels of the real images.
    """
    try:
        signatures = load_generator(path).signatures
    except Exception as error:
        return Probe(f"it cannot be loaded: {first_line(error)}")
    missing = [name for name in (contract.SIGNATURE_DEFAULT, contract.SIGNATURE_SAMPLE) if name not in signatures]
    if missing:
        return Probe(f"it has no signature '{missing[0]}'")
    labels = np.arange(_PROBE_ROWS, dtype=np.int64) % classes
    drawn = draw(path, np.arange(_PROBE_ROWS, dtype=np.int64), labels, timeout_s, shape=shape)
    if drawn.fault:
        return Probe(f"{drawn.fault.text}{': ' if drawn.detail else ''}{drawn.detail}")
    problem = _value_problem(signatures[contract.SIGNATURE_DEFAULT], labels, timeout_s)
    if not problem and (drawn.images == drawn.images[0]).all():
        problem = f"it draws the same image for every one of {_PROBE_ROWS} seeds and all their labels"
    return Probe(problem, conditional=bool((drawn.answered != contract.ANY_LABEL).all()))


def _value_problem(signature: tf.types.experimental.ConcreteFunction, labels: np.ndarray, timeout_s: float) -> str:
    """Look at values before they are cast to pixels, which would hide what is not a number."""
    try:
        size = signature.structured_input_signature[1][contract.INPUT_LATENT].shape[1]
        latent = np.random.default_rng(0).standard_normal((len(labels), size)).astype(np.float32)
        inputs = {contract.INPUT_LATENT: tf.constant(latent), contract.INPUT_LABEL: tf.constant(labels)}
        values = in_time(lambda: signature(**inputs)[contract.OUTPUT_IMAGE].numpy(), timeout_s)  # noqa: PLW0108 (the call is the work)
    except Exception as error:
        return f"its '{contract.SIGNATURE_DEFAULT}' signature fails: {first_line(error)}"
    return "" if np.isfinite(values).all() else "it emits values that are not finite numbers (NaN or infinity)"
