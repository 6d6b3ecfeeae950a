"""Writing drawn images to files: a PNG grid to look at, or a NumPy array to work with."""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np

from .errors import ClientError

_GAP = 2  # pixels between neighbouring images of a grid
_GAP_VALUE = 64  # a dark grey that shows the cells of white-on-black digits


def write_images(path: Path, images: np.ndarray, labels: np.ndarray, labels_out: Path | None = None) -> None:
    """Write drawn images; an existing file is replaced, never left half written.

    Args:
        path: `.png`: one grid of all images (see `grid`). `.npy`: uint8 [N, H, W], of colours [N, H, W, 3].
        images: uint8 [N, H, W, C], C 1 (grey) or 3 (RGB).
        labels: int64 [N], class of each image, -1 where there is none.
        labels_out: Also write the labels, int64 [N], to this `.npy` file.

    Raises:
        ClientError: Another suffix, no image for a PNG, or a place that cannot be written.
    """
    path = Path(path)
    check_names(path, labels_out)
    is_png = path.suffix.lower() == ".png"
    if is_png and not len(images):
        raise ClientError(f"{path}: a PNG needs at least one image, ask for more than 0")
    with _replacing(path) as file:
        if is_png:
            _write_png(file, images, labels)
        else:
            np.save(file, _flat(images))
    if labels_out is not None:
        with _replacing(Path(labels_out)) as file:
            np.save(file, np.asarray(labels, np.int64))


def check_names(path: Path, labels_out: Path | None = None) -> None:
    """Check what `write_images` will be asked to write, before anything is drawn.

    Raises:
        ClientError: A suffix that it does not know.
    """
    if Path(path).suffix.lower() not in (".png", ".npy"):
        raise ClientError(f"{path}: images are written as .png or .npy, name the file so")
    if labels_out is not None and Path(labels_out).suffix.lower() != ".npy":
        raise ClientError(f"{labels_out}: labels are written as .npy, name the file so")


def grid(images: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Lay images out on one sheet.

    Where every class 0..C-1 (C > 1) appears equally often and at least twice, each class is a row, in the order of the labels.
    Otherwise the sheet is near-square, in the order given.

    Args:
        images: uint8 [N, H, W, C], N > 0, C 1 (grey) or 3 (RGB).
        labels: int64 [N].

    Returns:
        uint8 [rows * (H + 2) - 2, columns * (W + 2) - 2], of colours with a third axis of 3; cells apart by 2 dark grey pixels,
        empty cells dark grey.
    """
    images = _flat(images)
    count, height, width, *colours = images.shape
    order = np.arange(count)
    columns = math.ceil(math.sqrt(count))
    classes, sizes = np.unique(labels, return_counts=True)
    whole = len(classes) > 1 and np.array_equal(classes, np.arange(len(classes)))
    if whole and sizes.min() == sizes.max() and sizes[0] > 1:
        order = np.argsort(labels, kind="stable")
        columns = int(sizes[0])
    rows = math.ceil(count / columns)
    sheet = np.full((rows * (height + _GAP) - _GAP, columns * (width + _GAP) - _GAP, *colours), _GAP_VALUE, np.uint8)
    for cell, index in enumerate(order):
        top, left = (cell // columns) * (height + _GAP), (cell % columns) * (width + _GAP)
        sheet[top : top + height, left : left + width] = images[index]
    return sheet


def picture(image: np.ndarray) -> np.ndarray:
    """One image as Pillow takes it: uint8 [H, W] of a grey one [H, W, 1], else as it is."""
    return _flat(image[np.newaxis])[0]


def _flat(images: np.ndarray) -> np.ndarray:
    """Grey images without their axis of one channel."""
    return images[..., 0] if images.shape[-1] == 1 else images


def _write_png(file: IO[bytes], images: np.ndarray, labels: np.ndarray) -> None:
    try:
        from PIL import Image
    except ImportError:
        raise ClientError("a PNG of several images needs pillow: pip install pillow, or write .npy") from None
    Image.fromarray(grid(images, labels)).save(file, format="PNG")


@contextlib.contextmanager
def _replacing(path: Path) -> Iterator[IO[bytes]]:
    """Open a file beside `path` that takes its place when all is written."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with beside.open("wb") as file:
            yield file
        beside.replace(path)
    except OSError as error:
        raise ClientError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
