"""Look through the judge: what other components import from here."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from components.judge.memory import TrainMemory
from components.judge.network import JudgeModule
from serving.repository.contract import ASSETS_EXTRA
from serving.repository.errors import UserError, first_line

SIGNATURE, SECOND_SIGNATURE = "judge", "second_judge"
RECORD_FILE = f"{ASSETS_EXTRA}/judge.json"
REFERENCE_FILE = f"{ASSETS_EXTRA}/reference.npz"
MEMORY_FILE = f"{ASSETS_EXTRA}/memory.npz"
_SERVING_DIR = "Format-Serving"  # TFX's name for the SavedModel's folder inside a Model artifact
_BATCH = 1000  # images a call: keeps the activations near 50 MB


class Reference(NamedTuple):
    """Real train images as both judges see them."""

    features: np.ndarray  # float32 [R, D]
    labels: np.ndarray  # int64 [R]
    second: np.ndarray  # float32 [R, E], features of the second judge


class Judge:
    """A frozen judge and its second, ready to look at images."""

    def __init__(self, module: Any, judge: Callable[..., Any], second: Callable[..., Any]) -> None:
        """Look through exported functions; see `of_networks` and `load_judge`.

        Args:
            module: What holds the functions' weights, and must live as long as they do.
            judge: image uint8 [N, H, W, C] -> `features` float32 [N, D] and `probabilities` float32 [N, C].
            second: image uint8 [N, H, W, C] -> `features` float32 [N, E].
        """
        self._module, self._look, self._second = module, judge, second

    @classmethod
    def of_networks(cls, network: keras.Model, encoder: keras.Model | None = None) -> Judge:
        """Use networks of `components.judge.training` and `components.judge.autoencoder`; without the latter, no second judge."""
        module = JudgeModule(network, encoder)
        return cls(module, module.judge, module.second)

    @classmethod
    def of_saved_model(cls, directory: Path) -> Judge:
        """Load a SavedModel of `components.judge.executor.export_judge`."""
        module = tf.saved_model.load(str(directory))
        return cls(module, module.signatures[SIGNATURE], module.signatures[SECOND_SIGNATURE])

    def features(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Look at images.

        Args:
            images: uint8 [N, H, W, C].

        Returns:
            Features float32 [N, D] and class probabilities float32 [N, C].
        """
        parts = [self._look(image=tf.constant(images[i : i + _BATCH])) for i in range(0, max(len(images), 1), _BATCH)]
        features, probabilities = (np.concatenate([part[key].numpy() for part in parts]) for key in ("features", "probabilities"))
        return features, probabilities

    def second_features(self, images: np.ndarray) -> np.ndarray:
        """Look at images, uint8 [N, H, W, C], through the second judge: float32 [N, E]."""
        parts = [self._second(image=tf.constant(images[i : i + _BATCH])) for i in range(0, max(len(images), 1), _BATCH)]
        return np.concatenate([part["features"].numpy() for part in parts])


def load_judge(directory: str | Path) -> Judge:
    """Load an exported judge.

    Args:
        directory: A judge artifact, or the SavedModel directory inside it.

    Raises:
        UserError: There is no judge that can be loaded.
    """
    path = _saved_model(directory)
    try:
        return Judge.of_saved_model(path)
    except (OSError, ValueError, KeyError, tf.errors.OpError) as error:
        raise _unusable(path, error) from error


def load_reference(directory: str | Path) -> Reference:
    """Read the reference of a judge artifact.

    Raises:
        UserError: It cannot be read.
    """
    stored = _load_arrays(directory, REFERENCE_FILE, Reference._fields)
    return Reference(**stored)


def load_memory(directory: str | Path) -> TrainMemory:
    """Read the train images that a judge artifact keeps, to compare with.

    Raises:
        UserError: They cannot be read.
    """
    return TrainMemory(**_load_arrays(directory, MEMORY_FILE, ("images", "mean", "components")))


def load_record(directory: str | Path) -> dict[str, Any]:
    """Read judge.json of a judge artifact.

    Returns:
        dataset, class_names, seed, accuracy, explained, feature_size, settings, images, code_hash, digest.

    Raises:
        UserError: It cannot be read.
    """
    path = _saved_model(directory)
    try:
        return json.loads((path / RECORD_FILE).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise _unusable(path, error) from error


def _load_arrays(directory: str | Path, name: str, keys: tuple[str, ...]) -> dict[str, np.ndarray]:
    path = _saved_model(directory)
    try:
        with np.load(path / name, allow_pickle=False) as stored:
            return {key: stored[key] for key in keys}
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise _unusable(path, error) from error


def _saved_model(directory: str | Path) -> Path:
    path = Path(directory)
    return path / _SERVING_DIR if (path / _SERVING_DIR).is_dir() else path


def _unusable(path: Path, error: Exception) -> UserError:
    return UserError(f"no usable judge in {path}: {first_line(error)}")
