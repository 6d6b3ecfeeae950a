"""File operations that survive a crash: nothing counts as written before the disk has it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path


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


def replace_file(path: Path, content: bytes) -> None:
    """Replace a file in one step: after a crash it has either the old content or the new."""
    beside = path.with_name(f"{path.name}.new")
    write_file(beside, content)
    beside.replace(path)
    sync(path.parent)


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
