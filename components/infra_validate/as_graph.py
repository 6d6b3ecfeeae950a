"""A SavedModel as TensorFlow Serving loads it: by its graph and the graph's saver, without Python's objects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf


def graph_answers(directory: Path, signature: str, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Run a signature in a session.

    `tf.saved_model.load` finds variables by Python's objects. A server of another language finds those alone that the graph's
    saver names, and Keras 3 once had it restore copies of them: such a model ran here and nowhere else.

    Args:
        directory: The SavedModel directory.
        signature: The signature's name.
        inputs: Arrays by alias.

    Returns:
        Arrays by alias.

    Raises:
        tf.errors.OpError: It cannot be loaded or run.
    """
    from tensorflow.python.saved_model.loader_impl import SavedModelLoader  # the public name warns that it is old

    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        loaded: Any = SavedModelLoader(str(directory)).load(session, [tf.saved_model.SERVING])
        found = loaded.signature_def[signature]
        fetches = {alias: info.name for alias, info in found.outputs.items()}
        return session.run(fetches, {found.inputs[alias].name: value for alias, value in inputs.items()})
