"""Shapes of images that tests work on."""

from components.shape import ImageShape

GREY_28 = ImageShape(28, 28, 1)
COLOUR_32 = ImageShape(32, 32, 3)
COLOUR_64 = ImageShape(64, 64, 3)
COLOUR_128 = ImageShape(128, 128, 3)
