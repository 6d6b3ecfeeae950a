"""Keras as this code means it, whatever the user has chosen for other programs."""

from __future__ import annotations

import os


def settle_keras() -> None:
    """Keep the user's own choices for Keras (backend, data format, precision) away from this code, which means TensorFlow's.

    Keras reads them when it is first imported, from its environment variables and ~/.keras/keras.json.
    """
    for name in [name for name in os.environ if name.startswith("KERAS_")]:
        del os.environ[name]
    os.environ.pop("TF_USE_LEGACY_KERAS", None)
    os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ["KERAS_HOME"] = os.devnull  # no directory: nothing is read from there, nor a file left in the user's home
