"""A dataset that TFDS or a user's module registers, through one of three origins: upstream, the npm mirror, or a directory.

All origins end in the same verified bytes. TFDS makes its records from them in a temporary directory that it renames.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from components.ingest import archives, mirror, tfds_dataset, upstream
from components.ingest.record import PreparedDataset
from components.ingest.settings import DataSettings
from components.ingest.sources import AUTO, MIRROR, MODULE, UPSTREAM
from components.progress import log_note
from serving.repository.errors import UserError

_BY_HAND = "; or download the archives elsewhere and name their directory: `forger data fetch --source DIR`"
_KEPT = "kept archives"
_Origins = dict[str, Callable[[], Path | None]]


def prepare(
    data: DataSettings, data_dir: Path, source: str, prepared: PreparedDataset | None, asked: dict[str, str | None]
) -> PreparedDataset:
    """Prepare a dataset; the data_dir is this process's alone.

    Args:
        data: Which dataset.
        data_dir: TFDS's data_dir.
        source: As for `components.ingest.prepare.prepare`.
        prepared: The dataset, if it is on disk and whole: then only a named directory is looked at.
        asked: For the record, see `PreparedDataset.source`.

    Raises:
        UserError: As for `components.ingest.prepare.prepare`.
    """
    builder, fields = tfds_dataset.open_builder(data, data_dir)
    downloads = data_dir / "downloads" / data.dataset.replace("/", "_")
    origins = _origins(data, builder, downloads, source)
    if prepared:
        origins[source]()
        return prepared
    failures = []
    for origin, bring in origins.items():
        try:
            manual_dir = bring()
            log_note(f"{data.dataset}: preparing the records, archives from {origin}")
            prepared = tfds_dataset.generate(data, fields, data_dir, downloads, manual_dir, origin, asked)
        except UserError as error:
            if len(origins) == 1:
                by_hand = _BY_HAND if origin == UPSTREAM and archives.registered(builder) else ""
                raise UserError(f"{error}{by_hand}") from error
            failures.append(f"{origin}: {error}")
            log_note(f"{data.dataset}: {failures[-1]}")
            continue
        verified = "checksums verified, " if prepared.verified else ""
        log_note(f"{data.dataset} {prepared.version}: prepared from {origin}, {verified}{prepared.splits}")
        return prepared
    raise UserError(f"{data.dataset} can't be fetched: {'; '.join(failures)}{_BY_HAND}")


def _origins(data: DataSettings, builder: Any, downloads: Path, source: str) -> _Origins:
    """The origins to try, in order: each brings verified archives and says where they are (None: TFDS fetches them)."""
    dataset, kept, expected = data.dataset, downloads / "archives", archives.registered(builder)
    by_url = {url: info.checksum for url, info in archives.url_infos(builder).items()}

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

    if source == AUTO and data.module and not by_url:
        return {MODULE: lambda: None}
    if source == AUTO:
        here = {_KEPT: lambda: kept} if archives.whole(kept, expected) else {}
        return {**here, UPSTREAM: from_upstream, **({MIRROR: from_mirror} if dataset in mirror.DATASETS else {})}
    return {source: {UPSTREAM: from_upstream, MIRROR: from_mirror}.get(source, from_directory)}
