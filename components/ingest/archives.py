"""Archives and the checksums that TFDS registers for them: nothing reaches TFDS that doesn't match."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import Any

from serving.repository.durable import partial_path, remove_partials
from serving.repository.errors import UserError


def url_infos(builder: Any) -> dict[str, Any]:
    """What TFDS registers of each URL; nothing where a builder of the user's own has no such file."""
    return builder.url_infos or {}


def registered(builder: Any) -> dict[str, str]:
    """Checksums that TFDS registers for a dataset.

    Args:
        builder: The dataset's tfds.core.DatasetBuilder.

    Returns:
        SHA-256 of each archive, by file name. Empty where TFDS registers no file names.
    """
    infos = url_infos(builder).values()
    return {info.filename: info.checksum for info in infos} if all(info.filename for info in infos) else {}


def check(path: Path, expected: str) -> None:
    """Stop unless a file has the expected SHA-256.

    Raises:
        UserError: The file is missing, cut or altered; names the file and both checksums.
    """
    if not path.is_file():
        raise UserError(f"{path} is missing: expected an archive with sha256 {expected}")
    with path.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if found != expected:
        raise UserError(f"{path} is cut or altered: expected sha256 {expected}, found {found}; fetch this file again")


def whole(folder: Path, expected: dict[str, str]) -> bool:
    """Does a folder hold all archives, unaltered?"""
    try:
        for name, checksum in expected.items():
            check(folder / name, checksum)
    except UserError:
        return False
    return bool(expected)


def copy(source: Path, folder: Path, expected: dict[str, str]) -> None:
    """Copy a user's archives, checked before and after, so that the dataset can be prepared again without them.

    Raises:
        UserError: An archive is missing, cut or altered.
    """
    for name, checksum in expected.items():
        check(source / name, checksum)
    folder.mkdir(parents=True, exist_ok=True)
    remove_partials(folder)
    for name, checksum in expected.items():
        with partial_path(folder / name) as partial:
            shutil.copyfile(source / name, partial)
            check(partial, checksum)
