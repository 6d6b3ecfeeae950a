"""What makes a directory of TFRecords a data set that `tfds.builder_from_directory` opens."""

from __future__ import annotations

from pathlib import Path

from components.transform.pixels import IMAGE_KEY, LABEL_KEY
from pipeline.generate.request import SPLIT, Request
from pipeline.generate.shards import SEED_KEY


def write_catalogue(directory: Path, request: Request) -> None:
    """Write TFDS's features.json and dataset_info.json beside the finished shards."""
    import numpy as np
    import tensorflow as tf
    import tensorflow_datasets as tfds

    label = tfds.features.ClassLabel(names=list(request.class_names)) if request.class_names else np.int64
    lengths = [len(request.rows(number)) for number in range(request.shards)]
    size = sum((directory / request.file_name(number)).stat().st_size for number in range(request.shards))
    template = tfds.core.ShardedFileTemplate(
        data_dir=tfds.core.Path(directory), dataset_name=request.model, split=SPLIT, filetype_suffix=request.layout.value
    )
    split = tfds.core.SplitInfo(name=SPLIT, shard_lengths=lengths, num_bytes=size, filename_template=template)
    first = next(tf.data.TFRecordDataset(str(directory / request.file_name(0))).as_numpy_iterator())
    image = tf.train.Example.FromString(first).features.feature[IMAGE_KEY].bytes_list.value[0]
    tfds.folder_dataset.write_metadata(
        data_dir=directory,
        features={
            IMAGE_KEY: tfds.features.Image(shape=tuple(tf.io.decode_png(image).shape), dtype=np.uint8, encoding_format="png"),
            LABEL_KEY: label,
            SEED_KEY: np.int64,
        },
        split_infos=[split],
        filename_template=template,
        check_data=False,
        description=f"{request.count} images drawn from {request.model} version {request.version}, seed {request.seed}",
    )
