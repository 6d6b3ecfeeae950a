"""Files of transformed examples, as Transform writes them."""

import itertools
from pathlib import Path

import numpy as np
import tensorflow as tf

from components.transform.pixels import IMAGE_KEY, LABEL_KEY, SHAPE_KEY


def write_shards(directory: Path, images: np.ndarray, labels: np.ndarray, sizes: list[int]) -> str:
    """Write uint8 [N, H, W, C] images and their labels to files of these sizes; returns their pattern."""
    directory.mkdir(parents=True, exist_ok=True)
    ends = itertools.accumulate(sizes)
    for number, (size, end) in enumerate(zip(sizes, ends, strict=True)):
        path = directory / f"transformed_examples-{number:05d}-of-{len(sizes):05d}.gz"
        with tf.io.TFRecordWriter(str(path), "GZIP") as writer:
            for image, label in zip(images[end - size : end], labels[end - size : end], strict=True):
                features = {
                    IMAGE_KEY: tf.train.Feature(bytes_list=tf.train.BytesList(value=[image.tobytes()])),
                    LABEL_KEY: tf.train.Feature(int64_list=tf.train.Int64List(value=[label])),
                    SHAPE_KEY: tf.train.Feature(int64_list=tf.train.Int64List(value=image.shape)),
                }
                writer.write(tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString())
    return str(directory / "transformed_examples-*")
