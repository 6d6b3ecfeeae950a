"""File operations that survive a crash: nothing counts as written before the disk has it."""

from __future__ import annotations

import contextlib
import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import IO

PARTIAL_GLOB = ".*.partial"  # what a killed writer leaves beside the file that it was writing


def sync(path: Path) -> None:
    """Make a file's content, or the names in a directory, durable."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_file(path: Path, content: bytes) -> None:
    """Write a file and make its content durable; its name becomes durable with `sync`."""
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


@contextlib.contextmanager
def partial_path(path: Path) -> Iterator[Path]:
    """Name a file beside `path` for a library to write; it takes `path`'s place when the block ends well.

    The name begins with a dot and is another for each writer, so two processes never write the same one. After a crash `path` is
    either what it was before or the whole new file.

    Raises:
        OSError: The disk refuses; `path` is what it was before.
    """
    partial = path.with_name(f".{path.name}.{uuid.uuid4().hex}.partial")
    try:
        yield partial
        sync(partial)
        partial.replace(path)
        sync(path.parent)
    except OSError as error:
        error.filename = error.filename or str(path)  # a write names none
        raise
    finally:
        partial.unlink(missing_ok=True)


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """Open a new file that takes `path`'s place when the block ends well, see `partial_path`.

    Raises:
        OSError: The disk refuses; `path` is what it was before.
    """
    with partial_path(path) as partial, partial.open("wb") as file:
        yield file
        file.flush()


def replace_file(path: Path, content: bytes | str) -> None:
    """Replace a file in one step: after a crash it has either the old content or the new; text is written as UTF-8.

    Raises:
        OSError: The disk refuses; `path` is what it was before.
    """
    with replacing(path) as file:
        file.write(content.encode() if isinstance(content, str) else content)


def remove_partials(directory: Path, name: str = "*") -> None:
    """Remove what killed writers left in a directory of the files that a glob names; nobody else may be writing them now."""
    for partial in directory.glob(f".{name}.*.partial"):
        partial.unlink(missing_ok=True)


def copy_tree(source: Path, target: Path) -> None:
    """Copy a directory's files and sub directories into a new directory, each file made durable.

    Raises:
        OSError: `target` exists, or the disk refuses.
    """
    target.mkdir()
    for child in sorted(source.iterdir()):
        if child.is_dir():
            copy_tree(child, target / child.name)
        else:
            with child.open("rb") as reader, (target / child.name).open("wb") as writer:
                shutil.copyfileobj(reader, writer)
                writer.flush()
                os.fsync(writer.fileno())


def sync_tree(directory: Path) -> None:
    """Make every name below a directory durable, the deepest first."""
    for path, _, _ in os.walk(directory, topdown=False):
        sync(Path(path))
