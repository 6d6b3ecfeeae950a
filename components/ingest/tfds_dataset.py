"""What is asked of TFDS itself: the dataset's description, and making its records from verified archives."""

from __future__ import annotations

import contextlib
import difflib
import io
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from components.ingest import record
from components.shape import ImageShape
from serving.repository.errors import UserError, first_line

_CHECKSUM = re.compile(r"checksum='([0-9a-f]{64})'")


def open_builder(dataset: str, data_dir: Path) -> Any:
    """TFDS's builder of a suitable dataset, without reading what is on disk (that may be damaged).

    Args:
        dataset: TFDS name.
        data_dir: TFDS's data_dir.

    Returns:
        A tfds.core.DatasetBuilder.

    Raises:
        UserError: The dataset is unknown, or isn't made of labelled uint8 images of one shape.
    """
    import tensorflow_datasets as tfds

    try:
        # A folder that doesn't exist: the builder would otherwise restore, and trust, what it finds.
        name, _, config = dataset.partition("/")
        builder = tfds.builder_cls(name)(config=config or None, data_dir=data_dir / ".none")
    except tfds.core.DatasetNotFoundError:
        known = tfds.list_builders(with_community_datasets=False)
        close = difflib.get_close_matches(dataset.partition("/")[0], known, n=3)
        hint = f"did you mean {' or '.join(close)}?" if close else "see the TFDS catalogue for names"
        raise UserError(f"TFDS has no dataset {dataset!r}: {hint}") from None
    except ValueError as error:
        raise UserError(f"TFDS has no dataset {dataset!r}: {first_line(error)}") from None
    _check_features(dataset, builder.info.features, tfds)
    return builder


def _check_features(dataset: str, features: Any, tfds: Any) -> None:
    features = dict(features.items()) if isinstance(features, tfds.features.FeaturesDict) else {}
    image, label = features.get("image"), features.get("label")
    if not isinstance(image, tfds.features.Image):
        raise UserError(f"{dataset} has no image feature (it has {', '.join(features)}): choose a labelled image dataset")
    shape, dtype = tuple(image.shape), np.dtype(image.np_dtype).name
    if None in shape or dtype != "uint8":
        found = "x".join("?" if side is None else str(side) for side in shape)
        raise UserError(f"{dataset} has images of {found} {dtype}, forger needs one shape and uint8: choose such a dataset")
    if not isinstance(label, tfds.features.ClassLabel):
        raise UserError(f"{dataset} has no integer class label (it has {', '.join(features)}): choose a classification dataset")


def generate(dataset: str, data_dir: Path, downloads: Path, manual_dir: Path | None, origin: str) -> record.PreparedDataset:
    """Let TFDS make the records, and record the result.

    Args:
        dataset: TFDS name.
        data_dir: TFDS's data_dir.
        downloads: Where TFDS keeps what it downloads.
        manual_dir: Where verified archives lie; None lets TFDS download them.
        origin: Where the archives come from, for the record.

    Raises:
        UserError: A download broke off or has a wrong checksum.
    """
    import requests
    import tensorflow as tf
    import tensorflow_datasets as tfds
    from tensorflow_datasets.core.download.download_manager import NonMatchingChecksumError

    version_dir = data_dir / open_builder(dataset, data_dir).info.full_name
    # No valid record: what lies there is unfinished, altered, or left by a killed process.
    unfinished = [*version_dir.parent.glob(f"incomplete.*_{version_dir.name}"), *downloads.glob("extracted.*")]
    for leftover in [version_dir, *unfinished]:
        shutil.rmtree(leftover, ignore_errors=True)
    builder = tfds.builder(dataset, data_dir=data_dir)
    downloads.mkdir(parents=True, exist_ok=True)
    tfds.disable_progress_bar()
    try:
        # Fresh extractions: TFDS would reuse an old one unseen. What it prints to stdout isn't the command line's to show.
        extracted = tempfile.TemporaryDirectory(dir=downloads, prefix="extracted.")
        with extracted as extract_dir, contextlib.redirect_stdout(io.StringIO()):
            builder.download_and_prepare(
                download_dir=downloads,
                file_format="tfrecord",
                download_config=tfds.download.DownloadConfig(
                    extract_dir=extract_dir,
                    manual_dir=manual_dir,
                    force_checksums_validation=True,
                    try_download_gcs=False,
                ),
            )
    except NonMatchingChecksumError as error:
        expected, found = _CHECKSUM.findall(str(error))
        file = str(error).split(",")[0].removeprefix("Artifact ")
        raise UserError(f"{file} is cut or altered: expected sha256 {expected}, found {found}; try again later") from None
    except (requests.RequestException, tfds.download.DownloadError) as error:
        raise UserError(f"the download of {dataset} broke off ({type(error).__name__}): run again to go on") from error
    except (tf.errors.OpError, RuntimeError) as error:
        # What TensorFlow's file layer says of a full disk or missing rights; TFDS wraps it.
        cause = error if isinstance(error, tf.errors.OpError) else error.__cause__
        if cause is None or not isinstance(cause, tf.errors.OpError):
            raise
        raise OSError(first_line(cause)) from error
    return _record(dataset, data_dir, builder, origin)


def _record(dataset: str, data_dir: Path, builder: Any, origin: str) -> record.PreparedDataset:
    splits = builder.info.splits
    total = sum(split.num_examples for split in splits.values())
    return record.write(
        dataset,
        data_dir,
        version=str(builder.info.version),
        directory=Path(builder.data_path),
        class_names=list(builder.info.features["label"].names),
        splits={str(name): split.num_examples for name, split in splits.items()},
        shapes={ImageShape(*builder.info.features["image"].shape): total},
        record_files=[file for split in splits.values() for file in split.filenames],
        origin=origin,
    )
