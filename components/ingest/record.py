"""The record of a prepared dataset: what is on disk, and a digest that says whether it still is.

Written last and atomically, so a dataset without a valid record is unfinished. Reading it needs neither TFDS nor TensorFlow.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from components.ingest.sources import MODULE
from components.progress import log_note
from components.shape import ImageShape
from serving.repository.durable import replace_file

_FORMAT = 3


@dataclass(frozen=True)
class PreparedDataset:
    """A dataset whose records are on disk and whole.

    Attributes:
        dataset: TFDS name, e.g. "mnist", or "folder/NAME".
        version: TFDS version, e.g. "3.0.1".
        directory: Where TFDS's record files and metadata lie.
        class_names: Name of each class; the index is the label. Empty: the images are unlabelled.
        splits: Number of examples of each TFDS split.
        shapes: Number of images of each shape, as they are before Transform.
        origin: Where the archives came from: "upstream", "mirror", "kept archives" or a directory.
        digest: SHA-256 over the record files' names and contents, and over which features are used; a touch doesn't change it.
        image_key: Feature of the records that holds the image.
        label_key: Feature of the records that holds the class; without meaning where the images are unlabelled.
        unreadable: Files of a folder that were left out.
        source: What the records were made of, to tell whether they still are what is asked for; see `prepare`.
    """

    dataset: str
    version: str
    directory: Path
    class_names: tuple[str, ...]
    splits: dict[str, int]
    shapes: dict[ImageShape, int]
    origin: str
    digest: str
    image_key: str = "image"
    label_key: str = "label"
    unreadable: int = 0
    source: dict[str, str | None] = field(default_factory=dict)

    @property
    def labelled(self) -> bool:
        """Whether the images have classes."""
        return bool(self.class_names)

    @property
    def verified(self) -> bool:
        """Whether its archives were held against checksums: nobody knows those of a folder, or of what the user has made."""
        return self.origin != MODULE and not (self.source.get("folder") or self.source.get("data_dir"))


def record_path(dataset: str, data_dir: Path) -> Path:
    """Where the record of a dataset lies."""
    return data_dir / f"{dataset.replace('/', '_')}.json"


def write(
    dataset: str,
    data_dir: Path,
    *,
    version: str,
    directory: Path,
    class_names: list[str],
    splits: dict[str, int],
    shapes: dict[ImageShape, int],
    record_files: list[str],
    origin: str,
    image_key: str = "image",
    label_key: str = "label",
    unreadable: int = 0,
    source: dict[str, str | None] | None = None,
) -> PreparedDataset:
    """Record a freshly prepared dataset.

    Args:
        dataset: TFDS name.
        data_dir: TFDS's data_dir.
        version: TFDS version.
        directory: The version's directory, usually inside `data_dir`.
        class_names: Name of each class; empty for unlabelled images.
        splits: Number of examples of each split.
        shapes: Number of images of each shape.
        record_files: Names, inside `directory`, of the files that hold the examples.
        origin: Where the archives came from.
        image_key: Feature that holds the image.
        label_key: Feature that holds the class.
        unreadable: Files that were left out.
        source: See `PreparedDataset`.
    """
    files = {path.relative_to(directory).as_posix(): _sha256(path) for path in directory.rglob("*") if path.is_file()}
    content = {
        "format": _FORMAT,
        "dataset": dataset,
        "version": version,
        # Relative, so that a home directory can be moved; what the user has prepared elsewhere stays there.
        "directory": (directory.relative_to(data_dir) if directory.is_relative_to(data_dir) else directory).as_posix(),
        "class_names": class_names,
        "splits": splits,
        "shapes": [[*shape, count] for shape, count in shapes.items()],
        "origin": origin,
        "image_key": image_key,
        "label_key": label_key,
        "unreadable": unreadable,
        "source": source or {},
        "record_files": sorted(record_files),
        "sha256": dict(sorted(files.items())),
    }
    replace_file(record_path(dataset, data_dir), json.dumps(content, indent=1))
    return _prepared(content, data_dir, files)


def load(dataset: str, data_dir: Path, source: dict[str, str | None] | None = None) -> PreparedDataset | None:
    """Read a dataset's record and check every file against it.

    Args:
        dataset: TFDS name.
        data_dir: TFDS's data_dir.
        source: What it must have been made of, see `PreparedDataset.source`; None for whatever it was.

    Returns:
        The prepared dataset, or None where there is none, it is unfinished, was made of something else, or a file no longer is
        what was recorded.
    """
    try:
        content = json.loads(record_path(dataset, data_dir).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except ValueError:
        content = None
    try:
        if source is not None and content and content["source"] != source:
            return None
        return _checked(content, dataset, data_dir)
    except (AttributeError, KeyError, TypeError):  # other JSON than `write` makes
        log_note(f"{dataset}: the record of the prepared data is damaged; preparing it again")
        return None


def _checked(content: Any, dataset: str, data_dir: Path) -> PreparedDataset | None:
    if content.get("format") != _FORMAT or content.get("dataset") != dataset:
        return None
    directory = data_dir / content["directory"]
    files = {}
    for name, recorded in content["sha256"].items():
        path = directory / name
        files[name] = _sha256(path) if path.is_file() else "missing"
        if files[name] != recorded:
            log_note(f"{path}: sha256 is {files[name]}, recorded was {recorded}; preparing {dataset} again")
            return None
    return _prepared(content, data_dir, files)


def _prepared(content: dict, data_dir: Path, files: dict[str, str]) -> PreparedDataset:
    lines = "".join(f"{name}\0{files[name]}\n" for name in content["record_files"])
    features = (content["image_key"], content["label_key"] if content["class_names"] else None)
    if features != ("image", "label"):
        lines += "\0".join(map(str, features))
    return PreparedDataset(
        dataset=content["dataset"],
        version=content["version"],
        directory=data_dir / content["directory"],
        class_names=tuple(content["class_names"]),
        splits=content["splits"],
        shapes={ImageShape(*shape): count for *shape, count in content["shapes"]},
        origin=content["origin"],
        digest=hashlib.sha256(lines.encode()).hexdigest(),
        image_key=content["image_key"],
        label_key=content["label_key"],
        unreadable=content["unreadable"],
        source=content["source"],
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
