"""Draw a generator's samples as they would be served."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from components.gate.drawing.fault import Fault, fault_of
from serving.repository import contract
from serving.repository.errors import first_line


@dataclass(frozen=True)
class Draw:
    """Samples of one batch.

    Attributes:
        images: uint8 [N, H, W, C]; zeros where the draw failed.
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


_HANGING: set[str] = set()  # a generator that hung once isn't waited for again: a thousand batches would take a thousand limits


def in_time(work: Callable[[], Any], timeout_s: float) -> Any:
    """Return what work returns, in a thread that is left behind where it doesn't end: TensorFlow can't be interrupted.

    Raises:
        TimeoutError: It took longer.
        Exception: Whatever the work raised.
    """
    outcome: list[tuple[bool, Any]] = []

    def run() -> None:
        try:
            outcome.append((True, work()))
        except Exception as error:
            outcome.append((False, error))

    thread = threading.Thread(target=run, name="draw", daemon=True)
    thread.start()
    thread.join(timeout_s)
    if not outcome:
        raise TimeoutError(f"no answer within {timeout_s:g} s")
    succeeded, value = outcome[0]
    if not succeeded:
        raise value
    return value


def draw(path: str, seeds: np.ndarray, labels: np.ndarray, timeout_s: float = 120.0, *, shape: tuple[int, ...]) -> Draw:
    """Draw one sample a row; whatever the generator does wrong is answered as a fault, not raised.

    Args:
        path: The SavedModel directory.
        seeds: int64 [N].
        labels: int64 [N], the classes asked for.
        timeout_s: Seconds that it may take.
        shape: Height, width and channels of the real images, which the samples must have.
    """
    rows = len(labels)
    nothing = np.zeros((rows, *shape), np.uint8), np.full(rows, contract.ANY_LABEL, np.int64)
    if path in _HANGING:
        return Draw(*nothing, Fault.HANGS)
    try:
        sample = load_generator(path).signatures[contract.SIGNATURE_SAMPLE]
        inputs = {contract.INPUT_SEED: tf.constant(seeds, tf.int64), contract.INPUT_LABEL: tf.constant(labels, tf.int64)}
        outputs = in_time(lambda: {name: value.numpy() for name, value in sample(**inputs).items()}, timeout_s)
    except Exception as error:
        if isinstance(error, TimeoutError):
            _HANGING.add(path)
        return Draw(*nothing, Fault.HANGS if path in _HANGING else Fault.EXCEPTION, first_line(error))
    if not outputs.keys() >= {contract.OUTPUT_IMAGE, contract.OUTPUT_LABEL}:
        return Draw(*nothing, Fault.WRONG_OUTPUTS, f"outputs: {', '.join(sorted(outputs))}")
    images, answered = outputs[contract.OUTPUT_IMAGE], outputs[contract.OUTPUT_LABEL]
    fault = fault_of(images, answered, labels, shape)
    if fault:
        return Draw(*nothing, fault, f"{images.dtype} {list(images.shape)}" if fault is Fault.WRONG_IMAGES else "")
    return Draw(images, answered.astype(np.int64))
