"""One image file: is it readable, which shape has it, and which bytes of it go into the examples.

Whatever Pillow can open becomes one of four plain kinds of 8-bit pixels: grey, grey with alpha, RGB, RGB with alpha. Sizes stay
as they are, since Transform scales.
"""

from __future__ import annotations

import io
from typing import Any, NamedTuple

from PIL import Image, ImageOps

from components.shape import ImageShape

FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP")
SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".gif", ".bmp", ".dib", ".webp"})
MOST_PIXELS = 89_478_485  # Pillow's own bound, beyond which a small file may fill the memory
_ORIENTATION = 0x0112  # EXIF's tag; 1 is upright
_UPRIGHT = 1
_PLAIN = {"L": 1, "LA": 2, "RGB": 3, "RGBA": 4}
_WITH_ALPHA = {"PA": "RGBA", "La": "LA", "RGBa": "RGBA"}
_OPAQUE = 255


class UnreadableError(Exception):
    """A file can't be used as an image; the text says why, in a few words."""


class Look(NamedTuple):
    """What a look at a file's pixels has found.

    Attributes:
        shape: As it will be in the examples: upright, without a palette, with alpha only where something shows through.
        is_flat: All pixels have the same colour.
    """

    shape: ImageShape
    is_flat: bool


def look(content: bytes) -> Look:
    """Decode a file's content and describe it.

    Args:
        content: The file's bytes.

    Raises:
        UnreadableError: It is empty, cut off, too large, or no image of a known format.
    """
    image = _open(content)
    size = image.size
    if _goes_as_it_is(image):
        # The whole bit stream is read, at an eighth of the size: three times faster than decoding all pixels.
        image.draft(image.mode, (max(1, size[0] // 8), max(1, size[1] // 8)))
        _load(image)
    else:
        image = _plain(image)
        size = image.size
    is_flat = all(low == high for low, high in _extrema(image))
    return Look(ImageShape(size[1], size[0], _PLAIN[image.mode]), is_flat)


def header_shape(content: bytes) -> ImageShape:
    """Read the shape that a decoder will give an image off its header; a palette counts as RGB.

    Raises:
        UnreadableError: It is empty or no image of a known format.
    """
    image = _open(content)
    channels = 1 if image.mode.startswith("I") or image.mode == "1" else _PLAIN.get(image.mode, 3)
    return ImageShape(image.height, image.width, channels + ("transparency" in image.info and channels in (1, 3)))


def encoded(content: bytes) -> bytes:
    """Return what goes into an example: upright grey or RGB JPEG as it is, everything else as PNG.

    Args:
        content: A file's bytes, which `look` has found readable.

    Raises:
        UnreadableError: As for `look`.
    """
    image = _open(content)
    if _goes_as_it_is(image):
        return content
    png = io.BytesIO()
    # No colour profile and no text goes along, and a fast compression: record files are read far more often than written.
    plain = _plain(image)
    plain.info.clear()
    plain.save(png, "PNG", compress_level=3)
    return png.getvalue()


def _open(content: bytes) -> Image.Image:
    if not content:
        raise UnreadableError("empty")
    try:
        image = Image.open(io.BytesIO(content), formats=FORMATS)
    except Image.DecompressionBombError:
        raise UnreadableError("far too many pixels") from None
    except Exception as error:  # whatever a parser of damaged bytes comes upon
        raise UnreadableError("no PNG, JPEG, GIF, BMP or WebP image") from error
    if image.width * image.height > MOST_PIXELS:
        raise UnreadableError(f"{image.width}x{image.height} are too many pixels")
    return image


def _goes_as_it_is(image: Image.Image) -> bool:
    return image.format == "JPEG" and image.mode in ("L", "RGB") and _orientation(image) == _UPRIGHT


def _orientation(image: Image.Image) -> int:
    try:
        return image.getexif().get(_ORIENTATION, _UPRIGHT)
    except Exception:  # damaged EXIF: the pixels are still good
        return _UPRIGHT


def _load(image: Image.Image) -> None:
    try:
        image.load()
    except Exception as error:
        raise UnreadableError("damaged or cut off") from error


def _plain(image: Image.Image) -> Image.Image:
    """Bring an image upright and to one of the four plain modes; of an animation, the first frame."""
    orientation = _orientation(image)
    _load(image)
    try:
        if orientation != _UPRIGHT:
            image = ImageOps.exif_transpose(image)
        image = _to_8_bits(image)
    except Exception as error:
        raise UnreadableError("damaged or cut off") from error
    if image.mode in ("LA", "RGBA") and _extrema(image)[-1][0] == _OPAQUE:
        return image.convert(image.mode[:-1])
    return image


def _to_8_bits(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # 16 bits a pixel, also in mode I: the upper 8, as TensorFlow and browsers take them
        return image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    if image.mode == "P" and "transparency" not in image.info and _is_grey(image):
        return image.convert("L")
    if "transparency" in image.info:
        return image.convert("LA" if image.mode in ("1", "L") else "RGBA")
    if image.mode in _PLAIN:
        return image
    return image.convert("L" if image.mode == "1" else _WITH_ALPHA.get(image.mode, "RGB"))


def _extrema(image: Image.Image) -> list[tuple[int, int]]:
    """Smallest and largest value of each channel."""
    found: Any = image.getextrema()  # a pair where there is one channel
    return list(found) if isinstance(found[0], tuple) else [found]


def _is_grey(image: Image.Image) -> bool:
    """Say whether a palette image uses greys alone."""
    palette = image.getpalette() or []
    colours: Any = image.getcolors(256) or []
    used = (palette[3 * index : 3 * index + 3] for _, index in colours)
    return all(len(set(colour)) <= 1 for colour in used)
