"""Bring a dataset to disk through one of three origins: upstream, the npm mirror, or a directory that the user names.

All origins end in the same verified bytes. TFDS makes its records from them in a temporary directory that it renames; our
record of the result is written last. Whatever is interrupted or altered is therefore made again by the next call.
"""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from components.ingest import archives, mirror, record, tfds_dataset, upstream
from components.ingest.record import PreparedDataset
from components.ingest.settings import DATASET_PATTERN
from components.progress import log_note
from serving.repository.errors import UserError, first_line
from serving.repository.locks import locked

AUTO, UPSTREAM, MIRROR = "auto", "upstream", "mirror"
_KEPT = "kept archives"


def prepare(dataset: str, data_dir: Path, source: str = AUTO) -> PreparedDataset:
    """Prepare a dataset, or find it prepared.

    A dataset that is on disk and whole is returned in a fraction of a second, without TFDS or TensorFlow.

    Args:
        dataset: TFDS name of a labelled image dataset.
        data_dir: TFDS's data_dir; also holds the downloads and the record `<dataset>.json`.
        source: "auto" (archives kept from an earlier fetch, else upstream, else the mirror), "upstream", "mirror", or a
            directory that holds the original archives.

    Returns:
        What is on disk, with the digest of its content.

    Raises:
        UserError: The dataset is unknown or unsuitable, no origin has it, an archive is cut or altered, or the disk is full or
            read-only.
    """
    if not re.match(DATASET_PATTERN, dataset):
        raise UserError(f"{dataset!r} is not a TFDS dataset name: expected e.g. mnist or emnist/letters")
    # Absolute, because TFX runs executors and Beam workers from it.
    data_dir = Path(data_dir).expanduser().absolute()
    # A directory that the user names is looked at even when nothing is missing: that is what was asked.
    named = source not in (AUTO, UPSTREAM, MIRROR)
    if not named and (prepared := record.load(dataset, data_dir)):
        return prepared
    with _writing(data_dir), _alone(data_dir):
        prepared = record.load(dataset, data_dir)
        if prepared and not named:
            return prepared
        builder = tfds_dataset.open_builder(dataset, data_dir)
        downloads = data_dir / "downloads" / dataset.replace("/", "_")
        origins = _origins(dataset, builder, downloads, source)
        if prepared:
            origins[source]()
            return prepared
        return _prepare_from(origins, dataset, data_dir, downloads)


def _origins(dataset: str, builder: Any, downloads: Path, source: str) -> dict[str, Callable[[], Path | None]]:
    """The origins to try, in order: each brings verified archives and says where they are (None: TFDS fetches them)."""
    kept, expected = downloads / "archives", archives.registered(builder)
    by_url = {url: info.checksum for url, info in builder.url_infos.items()}

    def from_upstream() -> None:
        if not by_url:
            raise UserError(f"TFDS registers no checksums for {dataset}, so it can't be verified: choose another dataset")
        if not upstream.cached(downloads, by_url):
            upstream.probe(next(iter(by_url)))

    def from_mirror() -> Path:
        if dataset not in mirror.DATASETS:
            raise UserError(f"there is no mirror of {dataset} (only of {', '.join(mirror.DATASETS)}): use another source")
        if not archives.whole(kept, expected):
            mirror.rebuild(kept, expected)
        return kept

    def from_directory() -> Path:
        if not expected:
            raise UserError(f"TFDS registers no file names for {dataset}: it comes only from upstream")
        folder = Path(source).expanduser()
        if not folder.is_dir():
            raise UserError(f"{source} is no directory: the source is auto, upstream, mirror, or a directory with the archives")
        archives.copy(folder, kept, expected)
        return kept

    if source == AUTO:
        here = {_KEPT: lambda: kept} if archives.whole(kept, expected) else {}
        return {**here, UPSTREAM: from_upstream, **({MIRROR: from_mirror} if dataset in mirror.DATASETS else {})}
    return {source: {UPSTREAM: from_upstream, MIRROR: from_mirror}.get(source, from_directory)}


def _prepare_from(
    origins: dict[str, Callable[[], Path | None]], dataset: str, data_dir: Path, downloads: Path
) -> PreparedDataset:
    """Prepare from the first origin that has it."""
    failures = []
    for origin, bring in origins.items():
        try:
            manual_dir = bring()
            log_note(f"{dataset}: preparing the records, archives from {origin}")
            prepared = tfds_dataset.generate(dataset, data_dir, downloads, manual_dir, origin)
        except UserError as error:
            if len(origins) == 1:
                raise
            failures.append(f"{origin}: {error}")
            log_note(f"{dataset}: {failures[-1]}")
            continue
        log_note(f"{dataset} {prepared.version}: prepared from {origin}, checksums verified, {prepared.splits}")
        return prepared
    raise UserError(f"{dataset} can't be fetched: {'; '.join(failures)}; or name a directory that holds the original archives")


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
