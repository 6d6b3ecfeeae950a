"""Look through the judge: what other components import from here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from components.errors import UserError
from components.judge.network import JudgeModule
from serving.contract import ASSETS_EXTRA

SIGNATURE = "judge"
RECORD_FILE = f"{ASSETS_EXTRA}/judge.json"
REFERENCE_FILE = f"{ASSETS_EXTRA}/reference.npz"
_SERVING_DIR = "Format-Serving"  # TFX's name for the SavedModel's folder inside a Model artifact
_BATCH = 1000  # images a call: keeps the activations near 50 MB


class Judge:
    """A frozen judge, ready to look at images."""

    def __init__(self, network: keras.Model | None = None, *, directory: Path | None = None) -> None:
        """Use a network of `components.judge.training.train_judge`, or a SavedModel (see `load_judge`)."""
        if network is not None:
            self._module = JudgeModule(network)
            self._look = self._module.judge
        else:
            self._module = tf.saved_model.load(str(directory))
            self._look = self._module.signatures[SIGNATURE]

    def features(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Look at images.

        Args:
            images: uint8 [N, 28, 28, 1].

        Returns:
            Features float32 [N, D] and class probabilities float32 [N, C].
        """
        parts = [self._look(image=tf.constant(images[i : i + _BATCH])) for i in range(0, max(len(images), 1), _BATCH)]
        features, probabilities = (np.concatenate([part[key].numpy() for part in parts]) for key in ("features", "probabilities"))
        return features, probabilities


def load_judge(directory: str | Path) -> Judge:
    """Load an exported judge.

    Args:
        directory: A judge artifact, or the SavedModel directory inside it.

    Raises:
        UserError: There is no judge that can be loaded.
    """
    path = _saved_model(directory)
    try:
        return Judge(directory=path)
    except (OSError, ValueError, KeyError, tf.errors.OpError) as error:
        raise _unusable(path, error) from error


def load_reference(directory: str | Path) -> tuple[np.ndarray, np.ndarray]:
    """Read the reference of a judge artifact: features float32 [R, D] and labels int64 [R] of real train images.

    Raises:
        UserError: It cannot be read.
    """
    path = _saved_model(directory)
    try:
        with np.load(path / REFERENCE_FILE, allow_pickle=False) as stored:
            return stored["features"], stored["labels"]
    except (OSError, ValueError, KeyError) as error:
        raise _unusable(path, error) from error


def load_record(directory: str | Path) -> dict[str, Any]:
    """Read judge.json of a judge artifact: dataset, class_names, seed, accuracy, feature_size, settings, code_hash, digest.

    Raises:
        UserError: It cannot be read.
    """
    path = _saved_model(directory)
    try:
        return json.loads((path / RECORD_FILE).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise _unusable(path, error) from error


def _saved_model(directory: str | Path) -> Path:
    path = Path(directory)
    return path / _SERVING_DIR if (path / _SERVING_DIR).is_dir() else path


def _unusable(path: Path, error: Exception) -> UserError:
    why = next(iter(str(error).splitlines()), type(error).__name__)
    return UserError(f"no usable judge in {path}: {why}; run the judge's training again")
