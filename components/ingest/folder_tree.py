"""A folder of images: which files are candidates, and what the names of its sub-folders say about classes and splits."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from components.ingest.image_file import SUFFIXES
from serving.repository.errors import UserError

MOST_CLASSES = 5000  # the gate looks at every class by itself
_NAMED = 3  # folders that are named where many have the same fault
# Names of sub-folders that mean a split, and what TFDS calls it.
_SPLITS = {
    "train": "train",
    "training": "train",
    "test": "test",
    "testing": "test",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "dev": "validation",
    "eval": "validation",
}


@dataclass(frozen=True)
class Candidate:
    """A file whose name says that it is an image.

    Attributes:
        path: Relative to the folder, with "/".
        split: TFDS's name of the split that the folder names, or None.
        label: Name of the class, or None in a folder without classes.
    """

    path: str
    split: str | None
    label: str | None


@dataclass(frozen=True)
class Tree:
    """What a folder holds.

    Attributes:
        candidates: In the order of their paths.
        class_names: In alphabetical order; empty without classes.
        others: How many files have names of something else.
    """

    candidates: list[Candidate]
    class_names: tuple[str, ...]
    others: int


def read_tree(folder: Path) -> Tree:
    """List a folder's images at any depth, and read classes and splits off its layout; no file is opened.

    `CLASS/...` names classes, `SPLIT/CLASS/...` splits too, `SPLIT/...` splits alone. Images directly in the folder, or all in
    one sub-folder, have no classes. Names that begin with a dot are left out; symbolic links are followed.

    Raises:
        UserError: There is no such folder or no image in it, a part of it can't be read, links lead in a circle, or its layout is
            ambiguous.
    """
    if not folder.is_dir():
        what = "is a file: unpack it, and name the folder" if folder.exists() else "doesn't exist: name a folder with images"
        raise UserError(f"{folder} {what}")
    images, others = [], 0
    for path in _files(folder):
        if os.path.splitext(path)[1].lower() in SUFFIXES:
            images.append(path)
        else:
            others += 1
    if not images:
        beside = f" ({others:,} files of other kinds)" if others else ""
        raise UserError(f"{folder} holds no images{beside}: forger reads {', '.join(sorted(SUFFIXES))}")
    images.sort()
    has_splits = _has_splits(folder, images)
    candidates = [_candidate(path, has_splits) for path in images]
    names = {candidate.label for candidate in candidates if candidate.label is not None}
    loose = next((candidate.path for candidate in candidates if candidate.label is None), None)
    if loose is not None and names:
        raise UserError(f"{folder} has images beside its folders of classes (e.g. {loose}): "
                        "put each into the folder of its class, or all into one folder to do without classes")  # fmt: skip
    _check_names(folder, names)
    if len(names) == 1:  # a single class says nothing
        candidates, names = [Candidate(one.path, one.split, None) for one in candidates], set()
    return Tree(candidates, tuple(sorted(names)), others)


def _files(folder: Path) -> Iterator[str]:
    """Paths of all files below a folder, relative to it."""
    # (path, relative path, identities of the folders that led here)
    waiting: list[tuple[str, str, frozenset[tuple[int, int]]]] = [(str(folder), "", frozenset())]
    while waiting:
        path, relative, above = waiting.pop()
        try:
            status = os.stat(path)
            identity = (status.st_dev, status.st_ino)
            if identity in above:
                raise UserError(f"the link {path} leads back to a folder above it: remove it, or move it out of {folder}")
            with os.scandir(path) as entries:
                for entry in entries:
                    if entry.name.startswith("."):
                        continue
                    name = f"{relative}{entry.name}"
                    if entry.is_dir():
                        waiting.append((entry.path, f"{name}/", above | {identity}))
                    else:
                        yield name
        except OSError as error:
            raise UserError(f"can't read {path} ({os.strerror(error.errno or 0)}): mend its rights, or move it away") from None


def _has_splits(folder: Path, images: list[str]) -> bool:
    """Say whether the top folders are splits: all have a split's name, `train` among them, and no image lies beside them.

    Raises:
        UserError: Some are, and others hardly are classes; or two are the same split.
    """
    tops = {path.partition("/")[0] if "/" in path else None for path in images}
    named = {top: _SPLITS[top.lower()] for top in tops if top is not None and top.lower() in _SPLITS}
    if "train" not in named.values():
        return False
    others = sorted(top for top in tops if top is not None and top not in named)
    if others and len(set(named.values())) > 1:
        beside = ", ".join(others[:_NAMED]) + (", ..." if len(others) > _NAMED else "")
        raise UserError(f"{folder} has the splits {', '.join(sorted(named))}, and beside them {beside}: rename it to a split "
                        "(train, test or validation), move it away, or rename the others if all are classes")  # fmt: skip
    if len(named) < len(tops):
        return False
    if len(set(named.values())) < len(named):
        raise UserError(f"{folder} has the same split twice ({', '.join(sorted(map(str, named)))}): rename or join them")
    return True


def _candidate(path: str, has_splits: bool) -> Candidate:
    split, rest = None, path
    if has_splits:
        top, _, rest = path.partition("/")
        split = _SPLITS[top.lower()]
    label, slash, _ = rest.partition("/")
    return Candidate(path, split, label if slash else None)


def _check_names(folder: Path, names: set[str]) -> None:
    if len(names) > MOST_CLASSES:
        raise UserError(f"{folder} has {len(names):,} folders, which are more classes than {MOST_CLASSES:,}: "
                        "join some, or put all images into one folder to do without classes")  # fmt: skip
    seen: dict[str, str] = {}
    for name in sorted(names):
        if not name.isprintable():
            raise UserError(f"{folder} has a folder whose name has unprintable characters ({name!a}): rename it")
        key = unicodedata.normalize("NFC", name).strip().casefold()
        if key in seen:
            both = f"{seen[key]!r} and {name!r}"
            raise UserError(f"the folders {both} in {folder} are the same on systems that ignore case: rename one")
        seen[key] = name
