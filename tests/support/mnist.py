"""MNIST as the benchmarks of the training see it: by TFDS, from a home's data."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tensorflow_datasets as tfds

from components.ingest.prepare import prepare
from components.ingest.settings import DataSettings


def train_split(data_dir: Path) -> tuple[np.ndarray, np.ndarray]:
    """Read the train split in TFDS's order: images uint8 [60000, 28, 28, 1] and labels int64 [60000]."""
    builder = tfds.builder_from_directory(prepare(DataSettings(), data_dir).directory)
    rows = list(builder.as_dataset(split="train").as_numpy_iterator())
    return np.stack([row["image"] for row in rows]), np.array([row["label"] for row in rows], np.int64)
