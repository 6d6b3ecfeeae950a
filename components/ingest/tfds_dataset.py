"""What is asked of TFDS itself: the dataset's description, and making its records from verified archives."""

from __future__ import annotations

import contextlib
import difflib
import io
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from components.ingest import archives, own_module, record
from components.ingest.image_file import UnreadableError, header_shape
from components.ingest.settings import DataSettings
from components.ingest.tfds_features import LABEL, Fields, choose_fields
from components.shape import ImageShape
from serving.repository.errors import UserError, first_line

_CHECKSUM = re.compile(r"checksum='([0-9a-f]{64})'")


def open_builder(data: DataSettings, data_dir: Path) -> tuple[Any, Fields]:
    """TFDS's builder of a suitable dataset, without reading what is on disk (that may be damaged).

    Args:
        data: Which dataset.
        data_dir: TFDS's data_dir.

    Returns:
        A tfds.core.DatasetBuilder, and which features of it are used.

    Raises:
        UserError: The module can't be imported, the dataset is unknown, or it has no images.
    """
    import tensorflow_datasets as tfds

    if data.module is not None:
        own_module.load(data.module)
    name, _, config = data.dataset.partition("/")
    try:
        # A folder that doesn't exist: the builder would otherwise restore, and trust, what it finds.
        builder = tfds.builder_cls(name)(config=config or None, data_dir=data_dir / ".none")
    except tfds.core.DatasetNotFoundError:
        raise _unknown(data, tfds) from None
    except ValueError as error:
        raise UserError(f"TFDS has no dataset {data.dataset!r}: {first_line(error)}") from None
    return builder, choose_fields(data.dataset, builder.info.features, data.image_key, data.label_key)


def _unknown(data: DataSettings, tfds: Any) -> UserError:
    name = data.dataset.partition("/")[0]
    if data.module is not None:
        origins = {known: f"{tfds.builder_cls(known).__module__}." for known in tfds.list_builders()}
        own = [known for known, origin in origins.items() if origin.startswith(f"{data.module}.")]
        names = f"it registers {', '.join(own)}" if own else "it registers none"
        return UserError(f"data.module={data.module} has no dataset {name!r} ({names}): name it with --set data.dataset=NAME")
    close = difflib.get_close_matches(name, tfds.list_builders(with_community_datasets=False), n=3)
    hint = f"did you mean {' or '.join(close)}?" if close else "see the TFDS catalogue for names"
    return UserError(f"TFDS has no dataset {data.dataset!r}: {hint}")


def generate(
    data: DataSettings,
    fields: Fields,
    data_dir: Path,
    downloads: Path,
    manual_dir: Path | None,
    origin: str,
    source: dict[str, str | None],
) -> record.PreparedDataset:
    """Let TFDS make the records, and record the result.

    Args:
        data: Which dataset.
        fields: Which of its features are used.
        data_dir: TFDS's data_dir.
        downloads: Where TFDS keeps what it downloads.
        manual_dir: Where verified archives lie; None lets TFDS download them.
        origin: Where the archives come from, for the record.
        source: What was asked for, for the record.

    Raises:
        UserError: A download broke off or has a wrong checksum.
    """
    import requests
    import tensorflow_datasets as tfds
    from tensorflow_datasets.core.download.download_manager import NonMatchingChecksumError

    version_dir = data_dir / open_builder(data, data_dir)[0].info.full_name
    clear(version_dir)
    for leftover in downloads.glob("extracted.*"):
        shutil.rmtree(leftover, ignore_errors=True)
    builder = tfds.builder(data.dataset, data_dir=data_dir)
    downloads.mkdir(parents=True, exist_ok=True)
    tfds.disable_progress_bar()
    try:
        # Fresh extractions: TFDS would reuse an old one unseen. What it prints to stdout isn't the command line's to show.
        extracted = tempfile.TemporaryDirectory(dir=downloads, prefix="extracted.")
        with extracted as extract_dir, contextlib.redirect_stdout(io.StringIO()), disk_errors():
            builder.download_and_prepare(
                download_dir=downloads,
                file_format="tfrecord",
                download_config=tfds.download.DownloadConfig(
                    extract_dir=extract_dir,
                    manual_dir=manual_dir,
                    force_checksums_validation=bool(archives.url_infos(builder)) or data.module is None,
                    try_download_gcs=False,
                ),
            )
    except NonMatchingChecksumError as error:
        expected, found = _CHECKSUM.findall(str(error))
        file = str(error).split(",")[0].removeprefix("Artifact ")
        raise UserError(f"{file} is cut or altered: expected sha256 {expected}, found {found}; try again later") from None
    except (requests.RequestException, tfds.download.DownloadError) as error:
        raise UserError(f"the download of {data.dataset} broke off ({type(error).__name__}): run again to go on") from error
    return record_of(data.dataset, data_dir, builder, fields, origin, source)


def clear(version_dir: Path) -> None:
    """Remove a version's records that no valid record tells of: they are unfinished, altered, or a killed process left them."""
    for leftover in [version_dir, *version_dir.parent.glob(f"incomplete.*_{version_dir.name}")]:
        shutil.rmtree(leftover, ignore_errors=True)


@contextlib.contextmanager
def disk_errors() -> Iterator[None]:
    """Turn what TensorFlow's file layer says of a full disk or missing rights into OSError; TFDS wraps it."""
    import tensorflow as tf

    try:
        yield
    except (tf.errors.OpError, RuntimeError) as error:
        cause = error if isinstance(error, tf.errors.OpError) else error.__cause__
        if cause is None or not isinstance(cause, tf.errors.OpError):
            raise
        raise OSError(first_line(cause)) from error


def record_of(
    dataset: str,
    data_dir: Path,
    builder: Any,
    fields: Fields,
    origin: str,
    source: dict[str, str | None],
    **others: Any,
) -> record.PreparedDataset:
    """Record what a builder has prepared.

    Args:
        dataset: TFDS name.
        data_dir: Where the record goes.
        builder: The builder, its records on disk.
        fields: Which of its features are used.
        origin: Where the data come from.
        source: What was asked for.
        **others: What else `record.write` is to know.
    """
    splits = builder.info.splits
    return record.write(
        dataset,
        data_dir,
        version=str(builder.info.version),
        directory=Path(builder.data_path),
        class_names=list(fields.class_names),
        splits={str(name): split.num_examples for name, split in splits.items()},
        shapes=others.pop("shapes", None) or count_shapes(builder, fields),
        record_files=[file for split in splits.values() for file in split.filenames],
        origin=origin,
        image_key=fields.image_key,
        label_key=fields.label_key or LABEL,
        source=source,
        **others,
    )


def count_shapes(builder: Any, fields: Fields) -> dict[ImageShape, int]:
    """Count the images of each shape: by the declaration where it says one, else by looking at each image's first bytes.

    Raises:
        UserError: A record holds no image.
    """
    import tensorflow as tf

    splits = builder.info.splits.values()
    height, width, channels = fields.shape
    if height is not None and width is not None and channels is not None:
        return {ImageShape(height, width, channels): sum(split.num_examples for split in splits)}
    files = [str(path) for split in splits for path in split.filepaths]
    wanted = {fields.image_key: tf.io.FixedLenFeature([], tf.string)}
    records = tf.data.TFRecordDataset(files).map(lambda one: tf.io.parse_single_example(one, wanted)[fields.image_key])
    counts: Counter[ImageShape] = Counter()
    for content in records.as_numpy_iterator():
        try:
            counts[header_shape(content)] += 1
        except UnreadableError as error:
            raise UserError(f"{builder.info.full_name} has a record whose image is {error}: prepare it again") from None
    return dict(counts)
