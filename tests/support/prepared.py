"""Datasets of any shape on disk, as ingest leaves them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import tensorflow as tf

from components.ingest import record
from components.ingest.record import PreparedDataset
from components.ingest.settings import DataSettings
from components.shape import ImageShape


def prepare_images(
    data_dir: Path, dataset: str, splits: dict[str, tuple[list[bytes], list[int]]], class_names: list[str]
) -> PreparedDataset:
    """Write a dataset from encoded images (PNG or JPEG) and labels of each split, as TFDS would, with its record."""
    import tensorflow_datasets as tfds

    directory = data_dir / dataset / "1.0.0"
    directory.mkdir(parents=True)
    template = tfds.core.ShardedFileTemplate(data_dir=directory, dataset_name=dataset, filetype_suffix="tfrecord")
    infos, files, shapes = [], [], Counter()
    for split, (images, labels) in splits.items():
        path = directory / f"{dataset}-{split}.tfrecord-00000-of-00001"
        with tf.io.TFRecordWriter(str(path)) as writer:
            for image, label in zip(images, labels, strict=True):
                features = {
                    "image": tf.train.Feature(bytes_list=tf.train.BytesList(value=[image])),
                    "label": tf.train.Feature(int64_list=tf.train.Int64List(value=[label])),
                }
                writer.write(tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString())
                shapes[ImageShape(*tf.io.decode_image(image).shape)] += 1
        files.append(path.name)
        infos.append(
            tfds.core.SplitInfo(
                name=split,
                shard_lengths=[len(labels)],
                num_bytes=path.stat().st_size,
                filename_template=template.replace(split=split),
            )
        )
    features = {"image": tfds.features.Image(shape=(None, None, None)), "label": tfds.features.ClassLabel(names=class_names)}
    tfds.folder_dataset.write_metadata(
        data_dir=directory,
        features=tfds.features.FeaturesDict(features),
        split_infos=infos,
        filename_template=template,
        check_data=False,
    )
    return record.write(
        dataset,
        data_dir,
        version="1.0.0",
        directory=directory,
        class_names=class_names,
        splits={split: len(labels) for split, (_, labels) in splits.items()},
        shapes=dict(shapes),
        record_files=files,
        origin="a test",
        source=DataSettings(dataset=dataset).model_dump(include={"module", "data_dir", "image_key", "label_key"}),
    )


def drawn_shapes(count: int, size: int, seed: int = 0) -> tuple[list[bytes], list[int]]:
    """Draw `count` coloured pictures of size x size, PNG: a disc, a square or a bar (the label) on a soft background."""
    rng = np.random.default_rng(seed)
    images, labels = [], rng.integers(0, 3, count).tolist()
    y, x = np.indices((size, size)) / size
    for label in labels:
        cy, cx, radius = [*rng.uniform(0.35, 0.65, 2).tolist(), rng.uniform(0.15, 0.3)]
        inside = [
            (y - cy) ** 2 + (x - cx) ** 2 < radius**2,
            np.maximum(abs(y - cy), abs(x - cx)) < radius,
            (abs(y - cy) < radius / 3) & (abs(x - cx) < 2 * radius),
        ][label]
        background = rng.uniform(0, 120, 3) * (0.5 + 0.5 * y[..., None])
        picture = np.where(inside[..., None], rng.uniform(130, 255, 3), background)
        images.append(tf.io.encode_png(picture.astype(np.uint8)).numpy())
    return images, labels
