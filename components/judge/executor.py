"""The run_fn of the judge's Trainer node: train, check the bar, export with the reference features."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from components.judge.autoencoder import explained_share, train_encoder
from components.judge.bar import accuracy_bar, explained_bar
from components.judge.features import MEMORY_FILE, RECORD_FILE, REFERENCE_FILE, SECOND_SIGNATURE, SIGNATURE, Judge, Reference
from components.judge.memory import TrainMemory
from components.judge.network import JudgeModule
from components.judge.settings import JudgeSettings
from components.judge.training import train_judge
from components.judge.unlabelled import train_unlabelled_judge
from components.progress import log_note
from components.transform.examples import read_examples
from serving.repository.contract import ASSETS_EXTRA
from serving.repository.errors import UserError


def run_fn(fn_args: Any) -> None:
    """Train the judge and its second on the transformed train split, check them on the test split and export them.

    Args:
        fn_args: TFX's `FnArgs`. `custom_config` holds `settings` (of `JudgeSettings`), `dataset`, `code_hash` and, where they are
            known, `class_names`; none at all mean unlabelled images.

    Raises:
        UserError: A judge misses its bar; nothing is exported and what would rely on it doesn't start.
    """
    config = fn_args.custom_config
    settings = JudgeSettings(**config["settings"])
    class_names = config.get("class_names")
    images, labels = read_examples(fn_args.train_files, settings.max_images)
    test_images, test_labels = read_examples(fn_args.eval_files, settings.max_images)
    kept = choose_reference(labels, settings.memory_size, settings.seed) if settings.memory_size < len(labels) else slice(None)
    memory = TrainMemory.of(images[kept], settings.memory_components)
    if class_names == []:
        network, objective, accuracy = train_unlabelled_judge(images, test_images, memory, settings)
    else:
        network, objective = train_judge(images, labels, settings, len(class_names) if class_names else None), "classes"
        accuracy = measure_accuracy(Judge.of_networks(network), test_images, test_labels)
        _check_accuracy(accuracy, accuracy_bar(settings, memory, labels[kept], test_images, test_labels))
    encoder = train_encoder(images, settings)
    explained = explained_share(encoder, test_images)
    least = explained_bar(settings, memory, test_images)
    log_note(f"the second judge keeps {explained:.1%} of the test images' variance (bar: {least:.1%})")
    if not explained >= least:
        raise UserError(
            f"the second judge keeps {explained:.4f} of the test images' variance, below the bar judge.min_explained="
            f"{least:.4g}: raise judge.encoder_steps or judge.encoder_size, or lower the bar"
        )
    record = {
        "dataset": config["dataset"],
        "class_names": class_names,
        "objective": objective,
        "seed": settings.seed,
        "accuracy": accuracy,
        "explained": explained,
        "feature_size": settings.feature_size,
        "settings": settings.model_dump(),
        "images": len(images),
        "code_hash": config["code_hash"],
        "digest": weights_digest(network, encoder),
    }
    judge = Judge.of_networks(network, encoder)
    chosen = choose_reference(labels, settings.reference_size, settings.seed)
    reference = Reference(judge.features(images[chosen])[0], labels[chosen], judge.second_features(images[chosen]))
    export_judge(network, encoder, Path(fn_args.serving_model_dir), record, reference, memory)


def _check_accuracy(accuracy: float, bar: float) -> None:
    log_note(f"the judge names {accuracy:.2%} of the test images rightly (bar: {bar:.2%})")
    if not accuracy >= bar:
        raise UserError(
            f"the judge reaches {accuracy:.4f} on the test split, below the bar judge.min_accuracy={bar}: "
            "raise judge.steps, give it more images, or lower the bar"
        )


def measure_accuracy(judge: Judge, images: np.ndarray, labels: np.ndarray) -> float:
    """Measure the share of images, uint8 [N, H, W, C], whose most probable class is their label, int64 [N]."""
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


def weights_digest(*networks: keras.Model) -> str:
    """SHA-256 over the weights' shapes and values, in the networks' order."""
    digest = hashlib.sha256()
    for weight in [weight for network in networks for weight in network.get_weights()]:
        digest.update(f"{weight.shape}\0".encode())
        digest.update(np.ascontiguousarray(weight, np.float32).tobytes())
    return digest.hexdigest()


def export_judge(
    network: keras.Model,
    encoder: keras.Model,
    directory: Path,
    record: dict[str, Any],
    reference: Reference,
    memory: TrainMemory,
) -> None:
    """Write the judge as a SavedModel.

    Args:
        network: A trained network of `components.judge.training`.
        encoder: A trained network of `components.judge.autoencoder`.
        directory: The SavedModel directory; replaced if it exists.
        record: Content of judge.json, at least `accuracy`, `explained` and `digest`.
        reference: Real train images as the judges see them.
        memory: Train images that memorisation is measured against.
    """
    shutil.rmtree(directory, ignore_errors=True)
    module = JudgeModule(network, encoder)
    tf.saved_model.save(module, str(directory), signatures={SIGNATURE: module.judge, SECOND_SIGNATURE: module.second})
    (directory / ASSETS_EXTRA).mkdir()
    (directory / RECORD_FILE).write_text(json.dumps(record, indent=1, sort_keys=True), encoding="utf-8")
    np.savez(directory / REFERENCE_FILE, **reference._asdict())
    # Compressed: MNIST's 60,000 images take 12 MB instead of 47.
    np.savez_compressed(directory / MEMORY_FILE, images=memory.images, mean=memory.mean, components=memory.components)
