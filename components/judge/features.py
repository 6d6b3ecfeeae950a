"""Look through the judge: the one function that other components import from here."""

from __future__ import annotations

import json
from pathlib import Path

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

    def __init__(self, network: keras.Model | None = None, *, directory: str | Path | None = None) -> None:
        """Use a trained network, or load an exported judge.

        Args:
            network: A network of `components.judge.training.train_judge`.
            directory: A judge artifact, or the SavedModel directory inside it.

        Raises:
            UserError: The directory holds no judge that can be loaded.
        """
        self.record: dict = {}  # judge.json
        self._reference = (np.zeros((0, 0), np.float32), np.zeros(0, np.int64))
        if network is not None:
            self._module, self._look = JudgeModule(network), None
            self._look = self._module.judge
            return
        path = Path(str(directory))
        path = path / _SERVING_DIR if (path / _SERVING_DIR).is_dir() else path
        try:
            self._module = tf.saved_model.load(str(path))
            self._look = self._module.signatures[SIGNATURE]
            self.record = json.loads((path / RECORD_FILE).read_text("utf-8"))
            with np.load(path / REFERENCE_FILE, allow_pickle=False) as stored:
                self._reference = (stored["features"], stored["labels"])
        except (OSError, ValueError, KeyError) as error:
            raise UserError(f"no usable judge in {path}: {str(error).splitlines()[0]}; rerun with its JudgeTrainer") from error

    @property
    def reference(self) -> tuple[np.ndarray, np.ndarray]:
        """Features float32 [R, D] and labels int64 [R] of real train images; empty for a bare network."""
        return self._reference

    def features(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Look at images.

        Args:
            images: uint8 [N, 28, 28, 1].

        Returns:
            Features float32 [N, D] and class probabilities float32 [N, C].
        """
        parts = [self._look(image=tf.constant(images[i : i + _BATCH])) for i in range(0, max(len(images), 1), _BATCH)]
        return tuple(np.concatenate([part[key].numpy() for part in parts]) for key in ("features", "probabilities"))
