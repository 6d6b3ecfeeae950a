"""A dataset that the user has prepared with TFDS, in a data_dir of their own: it is read where it lies, and never written to."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from components.ingest import tfds_dataset
from components.ingest.record import PreparedDataset
from components.ingest.settings import DataSettings
from components.ingest.tfds_features import choose_fields
from components.progress import log_note
from serving.repository.errors import UserError, first_line

_INFO_FILE = "dataset_info.json"
_VERSION = re.compile(r"(\d|[1-9]\d+)(\.(\d|[1-9]\d+)){2}", re.ASCII)  # as TFDS has it


def adopt(data: DataSettings, data_dir: Path, asked: dict[str, str | None]) -> PreparedDataset:
    """Record a dataset that TFDS has prepared elsewhere.

    Args:
        data: Which dataset; `data.data_dir` says where.
        data_dir: Where our record goes.
        asked: For the record, see `PreparedDataset.source`.

    Raises:
        UserError: There is no such dataset, or it isn't made of TFRecord files.
    """
    import tensorflow_datasets as tfds

    place = Path(data.data_dir or "")
    version = newest(place, data.dataset)
    try:
        builder: Any = tfds.builder_from_directory(version)
    except Exception as error:  # whatever TFDS comes upon in files that aren't whole
        raise UserError(f"{version} can't be read as a dataset of TFDS ({first_line(error)}): prepare it again") from error
    formats = {str(split.filename_template.filetype_suffix) for split in builder.info.splits.values()}
    if formats != {"tfrecord"}:
        raise UserError(f"{version} holds {', '.join(formats) or 'no records'}, forger reads tfrecord: "
                        "prepare it with file_format='tfrecord'")  # fmt: skip
    for split in builder.info.splits.values():
        for path, length in zip(split.filepaths, split.shard_lengths, strict=True):
            _check(Path(path), length)
    fields = choose_fields(data.dataset, builder.info.features, data.image_key, data.label_key)
    prepared = tfds_dataset.record_of(data.dataset, data_dir, builder, fields, str(place), asked)
    log_note(f"{data.dataset} {prepared.version}: as TFDS has prepared it in {version}, {prepared.splits}")
    return prepared


def _check(path: Path, length: int) -> None:
    """Read every record of a file, whose checksums nobody has looked at before."""
    import tensorflow as tf

    if not path.is_file():
        raise UserError(f"{path} is missing: prepare the dataset again")
    try:
        found = sum(1 for _ in tf.data.TFRecordDataset(str(path)).as_numpy_iterator())
    except tf.errors.DataLossError:
        found = -1
    if found != length:
        raise UserError(f"{path} is cut or altered: prepare the dataset again")


def newest(place: Path, dataset: str) -> Path:
    """Find the directory of a dataset's newest version, without TFDS, which takes seconds to import.

    Raises:
        UserError: There is none.
    """
    found = {path.parent for path in (place / dataset).glob(f"*/{_INFO_FILE}")}
    versions = {tuple(map(int, path.name.split("."))): path for path in found if _VERSION.fullmatch(path.name)}
    if not versions:
        known = sorted({path.parent.parent.relative_to(place).as_posix() for path in place.glob(f"*/**/{_INFO_FILE}")})
        has = f"it has {', '.join(known[:5])}" if known else "it has none at all"
        raise UserError(f"{place} holds no prepared dataset {dataset} ({has}): name it with --set data.dataset=NAME")
    return versions[max(versions)]
