"""One image file of every kind: what shape it is said to have, and that the example decodes to the pixels that people see."""

from __future__ import annotations

import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from components.ingest.image_file import UnreadableError, encoded, header_shape, look
from tests.support.image_folders import content, drawn

COLOUR = drawn(1, size=(20, 12))
GREY = COLOUR.convert("L")
NOISE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8))


def half_transparent() -> Image.Image:
    alpha = Image.new("L", COLOUR.size, 255)
    alpha.paste(0, (0, 0, 10, 12))
    image = COLOUR.copy()
    image.putalpha(alpha)
    return image


def with_transparent_colour() -> bytes:
    palette = COLOUR.quantize(8)
    return content(palette, transparency=palette.getpixel((0, 0)))


def sixteen_bits() -> bytes:
    return content(Image.fromarray(np.asarray(GREY).astype(np.uint16) * 257))


def turned(kind: str) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6  # shown turned by a quarter
    return content(COLOUR, kind, exif=exif)


KINDS = {
    "png": (content(COLOUR), (12, 20, 3)),
    "grey png": (content(GREY), (12, 20, 1)),
    "one bit": (content(COLOUR.convert("1")), (12, 20, 1)),
    "palette": (content(COLOUR.quantize(8)), (12, 20, 3)),
    "palette of greys": (content(GREY.convert("P")), (12, 20, 1)),
    "palette with a transparent colour": (with_transparent_colour(), (12, 20, 4)),
    "alpha": (content(half_transparent()), (12, 20, 4)),
    "grey with alpha": (content(half_transparent().convert("LA")), (12, 20, 2)),
    "alpha that hides nothing": (content(COLOUR.convert("RGBA")), (12, 20, 3)),
    "16 bits": (sixteen_bits(), (12, 20, 1)),
    "jpeg": (content(COLOUR, "JPEG"), (12, 20, 3)),
    "grey jpeg": (content(GREY, "JPEG"), (12, 20, 1)),
    "progressive jpeg": (content(COLOUR, "JPEG", progressive=True), (12, 20, 3)),
    "cmyk jpeg": (content(COLOUR.convert("CMYK"), "JPEG"), (12, 20, 3)),
    "turned jpeg": (turned("JPEG"), (20, 12, 3)),
    "turned png": (turned("PNG"), (20, 12, 3)),
    "gif": (content(COLOUR, "GIF"), (12, 20, 3)),
    "moving gif": (content(COLOUR, "GIF", save_all=True, append_images=[drawn(2, size=(20, 12))]), (12, 20, 3)),
    "bmp": (content(COLOUR, "BMP"), (12, 20, 3)),
    "webp": (content(COLOUR, "WEBP", lossless=True), (12, 20, 3)),
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_example_decodes_to_the_shape_that_is_said(kind):
    file, shape = KINDS[kind]
    example = encoded(file)
    assert look(file).shape == shape == tuple(tf.io.decode_image(example, expand_animations=False).shape)
    assert header_shape(example) == shape


@pytest.mark.parametrize("kind", ["palette", "bmp", "webp", "gif", "moving gif", "alpha that hides nothing"])
def test_pixels_are_the_very_same(kind):
    pixels = tf.io.decode_image(encoded(KINDS[kind][0]), expand_animations=False).numpy()
    quantized = COLOUR.quantize(8).convert("RGB") if kind == "palette" else COLOUR
    np.testing.assert_array_equal(pixels, np.asarray(quantized))


def test_a_turned_image_stands_upright():
    pixels = tf.io.decode_image(encoded(turned("PNG"))).numpy()
    np.testing.assert_array_equal(pixels, np.rot90(np.asarray(COLOUR), -1))


def test_16_bits_keep_their_upper_8():
    np.testing.assert_array_equal(tf.io.decode_image(encoded(sixteen_bits())).numpy()[..., 0], np.asarray(GREY))


def test_cmyk_is_the_colours_that_people_see():
    pixels = tf.io.decode_image(encoded(KINDS["cmyk jpeg"][0])).numpy()
    assert np.abs(pixels.astype(int) - np.asarray(COLOUR)).mean() < 6


def test_an_upright_jpeg_goes_as_it_is():
    assert encoded(KINDS["jpeg"][0]) == KINDS["jpeg"][0]


def test_one_colour_is_seen():
    assert look(content(Image.new("RGB", (20, 20), (9, 8, 7)))).is_flat
    assert not look(content(COLOUR)).is_flat


@pytest.mark.parametrize(
    ("file", "why"),
    [
        (b"", "empty"),
        (b"this is a text, whatever its name says\n" * 9, "no PNG, JPEG, GIF, BMP or WebP image"),
        (content(NOISE)[:-2000], "damaged or cut off"),
        (content(NOISE, "JPEG")[:-400], "damaged or cut off"),
        (content(COLOUR, "TIFF"), "no PNG, JPEG, GIF, BMP or WebP image"),
        (content(Image.new("1", (10_000, 9_000))), "10000x9000 are too many pixels"),
    ],
)
def test_what_is_unreadable_is_said(file, why):
    with pytest.raises(UnreadableError, match=why):
        look(file)


def test_damaged_exif_leaves_the_pixels_good():
    stream = io.BytesIO()
    COLOUR.save(stream, "JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff")
    assert look(stream.getvalue()).shape == (12, 20, 3)
