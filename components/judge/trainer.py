"""The run_fn of the judge's Trainer node: train, check the bar, export with the reference features."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from components.errors import UserError
from components.judge.features import RECORD_FILE, REFERENCE_FILE, SIGNATURE, Judge
from components.judge.network import JudgeModule
from components.judge.settings import JudgeSettings
from components.judge.training import train_judge
from components.progress import note
from components.transform.pixels import parse_transformed
from serving.contract import ASSETS_EXTRA

_PARSE_BATCH = 4096  # examples parsed at once


def run_fn(fn_args: Any) -> None:
    """Train the judge on the transformed train split, check it on the test split and export it.

    Args:
        fn_args: TFX's `FnArgs`. `custom_config` holds `settings` (of `JudgeSettings`), `dataset`, `code_hash` and, where they are
            known, `class_names`.

    Raises:
        UserError: The judge misses its bar; nothing is exported and what would rely on it doesn't start.
    """
    config = fn_args.custom_config
    settings = JudgeSettings(**config["settings"])
    class_names = config.get("class_names")
    images, labels = _read_examples(fn_args.train_files)
    network = train_judge(images, labels, settings, len(class_names) if class_names else None)
    judge = Judge(network)
    accuracy = measure_accuracy(judge, *_read_examples(fn_args.eval_files))
    note(f"the judge names {accuracy:.2%} of the test images rightly (bar: {settings.min_accuracy:.2%})")
    if not accuracy >= settings.min_accuracy:
        raise UserError(
            f"the judge reaches {accuracy:.4f} on the test split, below judge.min_accuracy={settings.min_accuracy}: "
            "raise judge.steps, give it more images, or lower the bar"
        )
    record = {
        "dataset": config["dataset"],
        "class_names": class_names,
        "seed": settings.seed,
        "accuracy": accuracy,
        "feature_size": settings.feature_size,
        "settings": settings.model_dump(),
        "code_hash": config["code_hash"],
        "digest": weights_digest(network),
    }
    chosen = choose_reference(labels, settings.reference_size, settings.seed)
    export_judge(network, Path(fn_args.serving_model_dir), record, judge.features(images[chosen])[0], labels[chosen])


def measure_accuracy(judge: Judge, images: np.ndarray, labels: np.ndarray) -> float:
    """Measure the share of images, uint8 [N, 28, 28, 1], whose most probable class is their label, int64 [N]."""
    if len(images) == 0:
        raise UserError("the judge got no test images: check the ingested evaluation split")
    return float((judge.features(images)[1].argmax(1) == labels).mean())


def choose_reference(labels: np.ndarray, size: int, seed: int) -> np.ndarray:
    """Choose train images to keep as the reference.

    Args:
        labels: int64 [N].
        size: Images wanted in all; each class gives an equal part, or all that it has.
        seed: Seed of the choice.

    Returns:
        int64 [<= size]: indices in train order.
    """
    rng = np.random.default_rng(seed)
    classes = np.unique(labels)
    parts = [rng.permutation(np.flatnonzero(labels == label))[: size // len(classes)] for label in classes]
    return np.sort(np.concatenate(parts))


def weights_digest(network: keras.Model) -> str:
    """SHA-256 over the weights' shapes and values, in the network's order."""
    digest = hashlib.sha256()
    for weight in network.get_weights():
        digest.update(f"{weight.shape}\0".encode())
        digest.update(np.ascontiguousarray(weight, np.float32).tobytes())
    return digest.hexdigest()


def export_judge(
    network: keras.Model, directory: Path, record: dict[str, Any], reference_features: np.ndarray, reference_labels: np.ndarray
) -> None:
    """Write the judge as a SavedModel.

    Args:
        network: A trained network.
        directory: The SavedModel directory; replaced if it exists.
        record: Content of judge.json, at least `accuracy` and `digest`.
        reference_features: float32 [R, D], of real train images.
        reference_labels: int64 [R].
    """
    shutil.rmtree(directory, ignore_errors=True)
    module = JudgeModule(network)
    tf.saved_model.save(module, str(directory), signatures={SIGNATURE: module.judge})
    (directory / ASSETS_EXTRA).mkdir()
    (directory / RECORD_FILE).write_text(json.dumps(record, indent=1, sort_keys=True), encoding="utf-8")
    buffer = io.BytesIO()
    np.savez(buffer, features=reference_features.astype(np.float32), labels=reference_labels.astype(np.int64))
    (directory / REFERENCE_FILE).write_bytes(buffer.getvalue())


def _read_examples(patterns: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Read transformed examples into memory: images uint8 [N, 28, 28, 1] and labels int64 [N], in file order."""
    files = sorted(path for pattern in patterns for path in tf.io.gfile.glob(pattern))
    if not files:
        raise UserError(f"no examples match {', '.join(patterns)}: check the splits that Transform wrote")
    records = tf.data.TFRecordDataset(files, compression_type="GZIP").batch(_PARSE_BATCH).map(parse_transformed)
    parts = list(records.as_numpy_iterator())
    if not parts:
        raise UserError(f"no examples in {', '.join(patterns)}: check the ingested splits")
    images, labels = zip(*parts, strict=True)
    return np.concatenate(images), np.concatenate(labels)
