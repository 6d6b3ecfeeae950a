"""Built cases for the gate: generators that replay chosen images, examples and a judge as TFX artifacts."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from tfx.dsl.components.base import base_beam_executor
from tfx.types import artifact_utils, standard_artifacts

from components.baseline.executor import DIGEST_PROPERTY, EMPTY_PROPERTY, VERSION_PROPERTY
from components.gate.calibration.record import Calibration
from components.gate.component import Gate
from components.gate.executor import Executor
from components.gate.reference.train_reference import TrainReference
from components.gate.settings import GateSettings
from components.gate.verdict.verdict import Verdict
from components.judge.autoencoder import train_encoder
from components.judge.executor import export_judge, weights_digest
from components.judge.features import Judge, Reference, load_judge, load_memory
from components.judge.memory import TrainMemory
from components.judge.settings import JudgeSettings
from components.judge.training import train_judge
from serving.repository import contract

BEAM_ARGS = ["--runner=FnApiRunner"]


class Replay(tf.Module):
    """A generator that answers stored images: the one at place `seed mod count` among those stored for the label."""

    def __init__(self, images: np.ndarray, labels: np.ndarray, *, conditional: bool = True) -> None:
        """Store uint8 [N, 28, 28, 1] images and the label int64 [N] under which each is answered."""
        super().__init__()
        order = np.argsort(labels, kind="stable")
        counts = np.bincount(labels)
        self.images = tf.Variable(images[order], trainable=False)
        self.starts = tf.constant(np.concatenate([[0], np.cumsum(counts)[:-1]]), tf.int64)
        self.counts = tf.constant(counts, tf.int64)
        self.conditional = conditional

    def _pick(self, seed: tf.Tensor, label: tf.Tensor) -> tf.Tensor:
        if not self.conditional:
            return tf.gather(self.images, seed % tf.reduce_sum(self.counts))
        return tf.gather(self.images, tf.gather(self.starts, label) + seed % tf.gather(self.counts, label))

    @tf.function(input_signature=[tf.TensorSpec([None], tf.int64, "seed"), tf.TensorSpec([None], tf.int64, "label")])
    def sample(self, seed: tf.Tensor, label: tf.Tensor) -> dict[str, tf.Tensor]:
        return {
            "image": self._pick(seed, label),
            "label": label if self.conditional else -tf.ones_like(label),
        }

    @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.float32, "latent"), tf.TensorSpec([None], tf.int64, "label")])
    def from_latent(self, latent: tf.Tensor, label: tf.Tensor) -> dict[str, tf.Tensor]:
        seed = tf.cast(tf.abs(latent[:, 0]) * 1e6, tf.int64)
        return {"image": tf.cast(self._pick(seed, label), tf.float32) / 127.5 - 1.0}


def save_generator(directory: Path, module: tf.Module, class_names: list[str], dataset: str = "mnist") -> Path:
    """Save a module with `sample` and `from_latent` as a generator's SavedModel artifact; returns the artifact's directory."""
    model = directory / "Format-Serving"
    signatures = {contract.SIGNATURE_DEFAULT: module.from_latent, contract.SIGNATURE_SAMPLE: module.sample}
    tf.saved_model.save(module, str(model), signatures=signatures)
    (model / contract.ASSETS_EXTRA).mkdir()
    (model / contract.METADATA_FILE).write_text(
        json.dumps({contract.META_DATASET: dataset, contract.META_CLASS_NAMES: class_names}), "utf-8"
    )
    return directory


def save_examples(directory: Path, images: np.ndarray, labels: np.ndarray, shards: int = 1) -> Path:
    """Write transformed examples as an Examples artifact with the split 'test'."""
    folder = directory / "Split-test"
    folder.mkdir(parents=True)
    for shard in range(shards):
        with tf.io.TFRecordWriter(str(folder / f"examples-{shard:05d}-of-{shards:05d}.gz"), "GZIP") as writer:
            for image, label in zip(images[shard::shards], labels[shard::shards], strict=True):
                features = {
                    "image": tf.train.Feature(bytes_list=tf.train.BytesList(value=[image.tobytes()])),
                    "label": tf.train.Feature(int64_list=tf.train.Int64List(value=[int(label)])),
                    "shape": tf.train.Feature(int64_list=tf.train.Int64List(value=image.shape)),
                }
                writer.write(tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString())
    return directory


def save_judge(directory: Path, networks: tuple[Any, Any], images: np.ndarray, labels: np.ndarray) -> Path:
    """Export both judges, with the given images as reference and as the train images, as a Model artifact."""
    judge = Judge.of_networks(*networks)
    reference = Reference(judge.features(images)[0], labels, judge.second_features(images))
    record = {"accuracy": 1.0, "explained": 0.5, "digest": weights_digest(*networks)}
    memory = TrainMemory.of(images, 16)
    export_judge(*networks, directory / "Format-Serving", record, reference, memory)
    return directory


def save_calibration(directory: Path, judge: Path, images: np.ndarray, labels: np.ndarray, classes: int = 10) -> Path:
    """Write a calibration artifact: what the given train images are like, and no fault, so that nothing is gated by it."""
    directory.mkdir(parents=True)
    TrainReference.of(images, labels, classes, load_judge(judge), load_memory(judge)).save(directory)
    Calibration(images=10_000, classes=classes, closeness=0.3, typical={}, noise={}, class_noise={}, responses=[]).save(directory)
    return directory


def run_gate(
    directory: Path,
    *,
    examples: Path,
    judge: Path,
    calibration: Path,
    model: Path,
    class_names: list[str],
    settings: GateSettings,
    baseline: Path | None = None,
    beam_args: list[str] = BEAM_ARGS,
) -> tuple[Verdict, bool, Any]:
    """Run the gate's own executor on artifacts, as TFX does.

    Returns:
        The verdict, whether the blessing artifact is blessed, and the blessing artifact.
    """
    channel = {
        "examples": _artifact(standard_artifacts.Examples, examples),
        "model": _artifact(standard_artifacts.Model, model),
        "judge": _artifact(standard_artifacts.Model, judge),
        "calibration": _artifact(standard_artifacts.ModelEvaluation, calibration),
        "baseline_model": _artifact(standard_artifacts.Model, baseline or directory / "none"),
    }
    channel["examples"].split_names = artifact_utils.encode_split_names(["test"])
    channel["baseline_model"].set_int_custom_property(EMPTY_PROPERTY, 0 if baseline else 1)
    channel["baseline_model"].set_string_custom_property(VERSION_PROPERTY, "3" if baseline else "")
    channel["baseline_model"].set_string_custom_property(DIGEST_PROPERTY, "d" if baseline else "")
    evaluation = _artifact(standard_artifacts.ModelEvaluation, directory / "evaluation")
    blessing = _artifact(standard_artifacts.ModelBlessing, directory / "blessing")
    component = Gate(
        **{key: _channel(value) for key, value in channel.items() if key != "baseline_model"},
        baseline=_channel(channel["baseline_model"]),
        settings=settings,
        dataset="mnist",
        class_names=class_names,
        code_hash="c",
    )
    context = base_beam_executor.BaseBeamExecutor.Context(
        beam_pipeline_args=beam_args, tmp_dir=str(directory / "tmp"), unique_id="1"
    )
    Executor(context).Do(
        {key: [value] for key, value in channel.items()},
        {"evaluation": [evaluation], "blessing": [blessing]},
        {key: value for key, value in component.exec_properties.items() if value is not None},
    )
    blessed = (directory / "blessing" / "BLESSED").exists()
    assert blessed != (directory / "blessing" / "NOT_BLESSED").exists()
    assert blessing.get_int_custom_property("blessed") == int(blessed)
    return Verdict.load(directory / "evaluation"), blessed, blessing


def _artifact(kind: Any, uri: Path) -> Any:
    artifact = kind()
    artifact.uri = str(uri)
    return artifact


def _channel(artifact: Any) -> Any:
    from tfx.types import channel_utils

    return channel_utils.as_channel([artifact])


@functools.cache
def digits(directory: Path, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Read images uint8 [N, 28, 28, 1] and labels int64 [N] of a prepared dataset, e.g. of split "train[:3000]"."""
    import tensorflow_datasets as tfds

    rows = list(tfds.builder_from_directory(directory).as_dataset(split=split).as_numpy_iterator())
    return np.stack([row["image"] for row in rows]), np.array([row["label"] for row in rows], np.int64)


@functools.cache
def tiny_judge(directory: Path) -> tuple[Any, Any]:
    """Train both judges on 3,000 digits: the first is about 95 % right, good enough to see each built case."""
    settings = JudgeSettings(steps=200, feature_size=16, encoder_steps=150, encoder_size=8)
    images, labels = digits(directory, "train[:3000]")
    return train_judge(images, labels, settings, classes=10), train_encoder(images, settings)
