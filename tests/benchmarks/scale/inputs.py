"""Larger data: MNIST repeated with small affine changes, prepared as TFDS prepares a data set."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import numpy as np
import tensorflow as tf

from components.ingest import record
from components.ingest.record import PreparedDataset
from tests.support.shapes import GREY_28

_TEST_SHARE = 1 / 7  # as MNIST itself: 60,000 and 10,000
_TURN, _ZOOM, _SHIFT = math.radians(10), 0.1, 2.0  # at most: radians, relative, pixels
_BATCH = 2000


def enlarged(mnist: PreparedDataset, images: int, data_dir: Path) -> PreparedDataset:
    """Prepare `images` images under MNIST's name; what is there already is kept.

    Copy 0 is MNIST itself, every later copy has each image turned, zoomed and shifted a little, by a seed of its own. A copy is a
    shard.

    Args:
        mnist: The real one.
        images: Of both splits together.
        data_dir: A TFDS data_dir of its own.
    """
    sizes = {"test": round(images * _TEST_SHARE)}
    sizes["train"] = images - sizes["test"]
    known = record.load(mnist.dataset, data_dir)
    if known is not None and known.splits == sizes:
        return known
    directory = data_dir / mnist.directory.relative_to(mnist.directory.parents[1])
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    lengths = {split: _write_split(mnist, split, count, directory) for split, count in sizes.items()}
    _describe(mnist, lengths, directory)
    files = [path.name for path in directory.iterdir() if ".tfrecord-" in path.name]
    return record.write(
        mnist.dataset,
        data_dir,
        version=mnist.version,
        directory=directory,
        class_names=list(mnist.class_names),
        splits=sizes,
        shapes={GREY_28: images},
        record_files=files,
        origin="the growth benchmark",
    )


def _write_split(mnist: PreparedDataset, split: str, count: int, directory: Path) -> list[int]:
    """Write one shard for each copy; returns the shards' lengths."""
    base = mnist.splits[split]
    copies = -(-count // base)
    files = sorted(str(path) for path in mnist.directory.glob(f"mnist-{split}.tfrecord-*"))
    lengths = []
    for copy in range(copies):
        length = min(base, count - copy * base)
        name = f"mnist-{split}.tfrecord-{copy:05d}-of-{copies:05d}"
        with tf.io.TFRecordWriter(str(directory / name)) as writer:
            batches = tf.data.TFRecordDataset(files).take(length).batch(_BATCH)
            for number, batch in enumerate(batches):
                records = batch if copy == 0 else _changed(batch, [copy, number])
                for one in records.numpy():
                    writer.write(one)
        lengths.append(length)
    return lengths


def _changed(serialized: tf.Tensor, seed: list[int]) -> tf.Tensor:
    """Change each image of serialized examples [N] a little."""
    examples = [tf.train.Example.FromString(one) for one in serialized.numpy()]
    pngs = tf.constant([example.features.feature["image"].bytes_list.value[0] for example in examples])
    moved = _moved(pngs, tf.constant(_transforms(len(examples), seed)))
    for example, png in zip(examples, moved.numpy(), strict=True):
        example.features.feature["image"].bytes_list.value[0] = png
    return tf.constant([example.SerializeToString() for example in examples])


@tf.function(input_signature=[tf.TensorSpec([None], tf.string), tf.TensorSpec([None, 8])])  # eagerly, an image takes 0.7 ms
def _moved(pngs: tf.Tensor, transforms: tf.Tensor) -> tf.Tensor:
    """Apply affine maps float32 [N, 8] to PNG images [N]."""
    moved = tf.raw_ops.ImageProjectiveTransformV3(
        images=tf.map_fn(tf.io.decode_png, pngs, fn_output_signature=tf.TensorSpec(GREY_28, tf.uint8)),
        transforms=transforms,
        output_shape=GREY_28[:2],
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="CONSTANT",
    )
    return tf.map_fn(tf.io.encode_png, moved, fn_output_signature=tf.string)


def _transforms(count: int, seed: list[int]) -> np.ndarray:
    """Random affine maps from output to input pixels about the centre, float32 [N, 8]."""
    rng = np.random.default_rng(seed)
    angle, zoom = rng.uniform(-_TURN, _TURN, count), 1 + rng.uniform(-_ZOOM, _ZOOM, count)
    shift = rng.uniform(-_SHIFT, _SHIFT, (2, count))
    cosine, sine, nought = np.cos(angle) / zoom, np.sin(angle) / zoom, np.zeros(count)
    centre = (GREY_28[0] - 1) / 2
    across = centre - cosine * centre + sine * centre + shift[0]
    down = centre - sine * centre - cosine * centre + shift[1]
    return np.stack([cosine, -sine, across, sine, cosine, down, nought, nought], 1).astype(np.float32)


def _describe(mnist: PreparedDataset, lengths: dict[str, list[int]], directory: Path) -> None:
    """Write what TFDS needs to open the directory."""
    import tensorflow_datasets as tfds

    template = tfds.core.ShardedFileTemplate(data_dir=directory, dataset_name="mnist", filetype_suffix="tfrecord")
    splits = [
        tfds.core.SplitInfo(
            name=split,
            shard_lengths=shards,
            num_bytes=sum(path.stat().st_size for path in directory.glob(f"mnist-{split}.tfrecord-*")),
            filename_template=template.replace(split=split),
        )
        for split, shards in lengths.items()
    ]
    tfds.folder_dataset.write_metadata(
        data_dir=directory,
        features=tfds.builder_from_directory(mnist.directory).info.features,
        split_infos=splits,
        filename_template=template,
        check_data=False,
    )
