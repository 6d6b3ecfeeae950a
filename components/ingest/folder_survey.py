"""Look at every image of a folder before any is copied: what is there, what can't be read, can a GAN learn from it."""

from __future__ import annotations

import hashlib
import os
import stat
import warnings
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypeVar

from components.ingest.folder_tree import Candidate, Tree
from components.ingest.image_file import Look, UnreadableError, look
from components.progress import report_progress
from components.shape import ImageShape
from serving.repository.errors import UserError

LEAST = 20  # different images: with fewer there is nothing to learn and nothing to compare with
_CHUNK = 256  # files looked at between two reports
_EXAMPLES = 3  # named where many have the same fault
_T = TypeVar("_T")


class Seen(NamedTuple):
    """A readable image: where it is, SHA-256 of its content, and what its pixels are like."""

    candidate: Candidate
    digest: bytes
    look: Look


@dataclass(frozen=True)
class Survey:
    """What a folder's images are.

    Attributes:
        images: The readable ones, in the order of their paths.
        unreadable: Why each other one can't be read, by path.
        source_digest: See `source_digest`.
    """

    images: list[Seen]
    unreadable: dict[str, str]
    source_digest: str

    @property
    def shapes(self) -> dict[ImageShape, int]:
        """How many images have which shape."""
        return dict(Counter(seen.look.shape for seen in self.images))


def read(folder: Path, candidate: Candidate) -> bytes:
    """Read a candidate's content.

    Raises:
        UserError: It is gone, or its rights don't let it be read.
        UnreadableError: It is no plain file, or a link to nothing.
    """
    path = folder / candidate.path
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # a pipe would wait for ever
            raise UnreadableError("not a plain file")
        return path.read_bytes()
    except FileNotFoundError:
        if path.is_symlink():
            raise UnreadableError("a link to nothing") from None
        raise changed(folder, candidate) from None
    except OSError as error:
        raise UserError(f"can't read {path} ({os.strerror(error.errno or 0)}): mend its rights, or move it away") from None


def changed(folder: Path, candidate: Candidate) -> UserError:
    """Make the error that stops reading a folder which somebody is writing into."""
    return UserError(f"{folder / candidate.path} changed while the folder was read: run again when nothing writes there")


def source_digest(folder: Path, tree: Tree) -> str:
    """Hash all that decides a folder's dataset: each image's content, class and split; neither names of files nor times.

    Raises:
        UserError: As for `survey`.
    """

    def content_digest(candidate: Candidate) -> tuple[Candidate, bytes]:
        try:
            return candidate, hashlib.sha256(read(folder, candidate)).digest()
        except UnreadableError:
            return candidate, b""

    return _digest(_each(content_digest, tree.candidates, "reading the images"))


def survey(folder: Path, tree: Tree, most_unreadable: float) -> Survey:
    """Decode every image of a folder.

    Args:
        folder: The folder.
        tree: What `read_tree` has found in it.
        most_unreadable: Share of the files, 0..1, that may be unreadable; they are left out.

    Raises:
        UserError: More are unreadable, the folder changes meanwhile, or there are too few different images in all or in a class.
    """

    def look_at(candidate: Candidate) -> tuple[Candidate, bytes, Look | str]:
        digest = b""
        try:
            content = read(folder, candidate)
            digest = hashlib.sha256(content).digest()
            return candidate, digest, look(content)
        except UnreadableError as error:
            return candidate, digest, str(error)

    images, unreadable, digests = [], {}, []
    with warnings.catch_warnings():  # Pillow's, of every odd file: what matters is in the survey
        warnings.simplefilter("ignore")
        for candidate, digest, found in _each(look_at, tree.candidates, "looking at the images"):
            digests.append((candidate, digest))
            if isinstance(found, str):
                unreadable[candidate.path.encode(errors="replace").decode()] = found  # a name may be no text
            else:
                images.append(Seen(candidate, digest, found))
    _check_unreadable(folder, len(tree.candidates), unreadable, most_unreadable)
    _check_variety(folder, images, tree.class_names)
    return Survey(images, unreadable, _digest(digests))


def _each(function: Callable[[Candidate], _T], candidates: list[Candidate], task: str) -> Iterator[_T]:
    """Apply a function to all candidates in a few threads, in order, and report how far it is."""
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        for start in range(0, len(candidates), _CHUNK):
            chunk = candidates[start : start + _CHUNK]
            yield from pool.map(function, chunk)
            report_progress(task, start + len(chunk), len(candidates), "files")


def _digest(contents: Iterable[tuple[Candidate, bytes]]) -> str:
    lines = sorted(f"{one.split or ''}\0{one.label or ''}\0{digest.hex()}\n" for one, digest in contents)
    return hashlib.sha256("".join(lines).encode(errors="surrogateescape")).hexdigest()


def _check_unreadable(folder: Path, count: int, unreadable: dict[str, str], most: float) -> None:
    if len(unreadable) > most * count:
        shown = ", ".join(f"{path}: {why}" for path, why in list(unreadable.items())[:_EXAMPLES])
        raise UserError(f"{len(unreadable):,} of the {count:,} images in {folder} can't be read ({shown}), more than "
                        f"data.max_unreadable={most:g} lets pass: mend them, move them away, or raise that share")  # fmt: skip


def _check_variety(folder: Path, images: list[Seen], class_names: tuple[str, ...]) -> None:
    contents: dict[str | None, set[bytes]] = defaultdict(set)
    for seen in images:
        contents[seen.candidate.label].add(seen.digest)
    poor = [name for name in class_names if len(contents[name]) < 2]
    if poor:
        shown = ", ".join(poor[:_EXAMPLES]) + (", ..." if len(poor) > _EXAMPLES else "")
        raise UserError(f"{len(poor):,} of the {len(class_names):,} classes in {folder} have less than 2 different images "
                        f"({shown}): add images, join classes, or put all into one folder to do without classes")  # fmt: skip
    distinct = len(set().union(*contents.values()))
    if distinct < LEAST:
        noun = "image" if distinct == 1 else "images"
        raise UserError(f"{folder} has {distinct} different {noun}, at least {LEAST} are needed for both splits: "
                        "add images; a few thousand make a good generator")  # fmt: skip
    if all(seen.look.is_flat for seen in images):
        raise UserError(f"every image in {folder} is of one colour, so there is nothing to learn: check what was exported")
