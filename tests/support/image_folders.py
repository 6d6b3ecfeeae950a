"""Small folders of drawn images, as people have them: in colour, of any format, and with every kind of fault."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

SHAPES = ("circle", "square", "star")


def drawn(number: int, shape: str = "circle", size: tuple[int, int] = (32, 32), mode: str = "RGB") -> Image.Image:
    """Draw one filled shape; every number has another place and colour."""
    rng = np.random.default_rng([number, SHAPES.index(shape)])
    width, height = size
    image = Image.new("RGB", size, tuple(rng.integers(0, 80, 3).tolist()))
    side = int(rng.integers(min(size) // 3, min(size) // 2))
    left, top = (int(rng.integers(0, extent - side)) for extent in (width, height))
    box, colour = (left, top, left + side, top + side), tuple(rng.integers(120, 256, 3).tolist())
    draw = ImageDraw.Draw(image)
    if shape == "circle":
        draw.ellipse(box, fill=colour)
    elif shape == "square":
        draw.rectangle(box, fill=colour)
    else:
        middle = (left + side / 2, top + side / 2, side / 2)
        draw.regular_polygon(middle, 3, rotation=number % 60, fill=colour)
    return image.convert(mode)


def content(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    """Encode an image."""
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def write(path: Path, image: Image.Image, **options: object) -> Path:
    """Write an image; the suffix says which format."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, **options)
    return path


def write_classes(folder: Path, count: int, classes: tuple[str, ...] = SHAPES, suffix: str = ".png") -> Path:
    """Write `count` images of each class into folder/CLASS; returns the folder."""
    for place, name in enumerate(classes):
        for number in range(count):
            write(folder / name / f"{number:03d}{suffix}", drawn(1000 * place + number, SHAPES[place % len(SHAPES)]))
    return folder


def write_flat(folder: Path, count: int, size: tuple[int, int] = (32, 32), *, first: int = 0) -> Path:
    """Write `count` images without classes, drawn from `first` on; returns the folder."""
    for number in range(first, first + count):
        write(folder / f"{number:03d}.png", drawn(number, SHAPES[number % len(SHAPES)], size))
    return folder
