"""Bring a dataset to disk: one that TFDS or a module registers, a folder of images, or what TFDS has prepared already.

All ways end in the same: TFDS's record files, and our record of them, written last. Whatever is interrupted or altered is
therefore made again by the next call.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from components.ingest import own_dataset, own_module, record, registered_dataset
from components.ingest.record import PreparedDataset
from components.ingest.settings import DataSettings
from components.ingest.sources import AUTO, ORIGINS
from serving.repository.errors import UserError, first_line
from serving.repository.locks import locked


def prepare(data: DataSettings, data_dir: Path, source: str = AUTO) -> PreparedDataset:
    """Prepare a dataset, or find it prepared.

    A registered dataset that is on disk and whole is returned in a fraction of a second, without TFDS or TensorFlow. A folder is
    read every time, to see whether it is what it was; so is a module's source, and which version of a `data_dir` is the newest.

    Args:
        data: Which dataset.
        data_dir: TFDS's data_dir; also holds the downloads and the record `<dataset>.json`.
        source: Where a registered dataset's archives come from: "auto" (archives kept from an earlier fetch, else upstream, else
            the mirror), "upstream", "mirror", or a directory that holds the original archives.

    Returns:
        What is on disk, with the digest of its content.

    Raises:
        UserError: The dataset is unknown or unsuitable, its module is gone, no origin has it, a file is cut or altered, too many
            images of a folder can't be read, or the disk is full or read-only.
    """
    # Absolute, because TFX runs executors and Beam workers from it.
    data_dir = Path(data_dir).expanduser().absolute()
    if data.folder is not None:
        from components.ingest import folder_dataset

        plan = folder_dataset.look(data, data_dir)  # before anything is locked or written: it may take minutes, or refuse
        if isinstance(plan, PreparedDataset):
            return plan
        with _writing(data_dir), _alone(data_dir):
            return folder_dataset.generate(plan, data_dir)
    # A directory that the user names is looked at even when nothing is missing: that is what was asked.
    named = source not in ORIGINS
    asked = {"module": data.module, "data_dir": data.data_dir, "image_key": data.image_key, "label_key": data.label_key}
    if data.module is not None:
        asked["module_sha256"] = own_module.source_digest(data.module)
    if not named and (prepared := _kept(data, data_dir, asked)):
        return prepared
    with _writing(data_dir), _alone(data_dir):
        prepared = _kept(data, data_dir, asked)
        if prepared and not named:
            return prepared
        if data.data_dir is not None:
            return own_dataset.adopt(data, data_dir, asked)
        return registered_dataset.prepare(data, data_dir, source, prepared, asked)


def _kept(data: DataSettings, data_dir: Path, asked: dict[str, str | None]) -> PreparedDataset | None:
    """What is prepared already, unless the user has prepared a newer version since."""
    prepared = record.load(data.dataset, data_dir, asked)
    if prepared and data.data_dir and own_dataset.newest(Path(data.data_dir), data.dataset).name != prepared.directory.name:
        return None
    return prepared


@contextlib.contextmanager
def _alone(data_dir: Path) -> Iterator[None]:
    """Keep a second process waiting until this one has prepared the data."""
    with locked(data_dir / ".lock"):
        yield


@contextlib.contextmanager
def _writing(data_dir: Path) -> Iterator[None]:
    """Say in one line what hinders writing: a full or read-only disk, missing rights."""
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        # Asked by writing, since rights alone don't tell of a read-only or full file system.
        with tempfile.TemporaryFile(dir=data_dir) as handle:
            handle.write(b"\0")
        yield
    except OSError as error:
        reason = f"{os.strerror(error.errno)}: {error.filename}" if error.errno else first_line(error)
        raise UserError(f"can't write the data under {data_dir} ({reason}): free space there, or name another home") from error
