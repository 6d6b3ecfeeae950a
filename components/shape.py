"""The shape of an image: what ingest decides on, and all that follows is told."""

from __future__ import annotations

from typing import NamedTuple


class ImageShape(NamedTuple):
    """Height and width in pixels, and channels: 1 grey, 2 grey with alpha, 3 RGB, 4 RGBA.

    Sources may have any; what a run works on is square, of a supported size, grey or RGB.
    """

    height: int
    width: int
    channels: int

    def __str__(self) -> str:
        """Return e.g. "28x28x1"."""
        return "x".join(map(str, self))

    @property
    def bytes(self) -> int:
        """Bytes of one image, one for each pixel and channel."""
        return self.height * self.width * self.channels
