"""Images as data URIs."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import numpy as np
from PIL import Image

from components.grids import lay_out


def png_uri(pixels: np.ndarray) -> str:
    """Encode a picture, uint8 [H, W] (grey) or [H, W, 3], as a data URI."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", optimize=True)
    return _uri(buffer.getvalue())


def file_uri(path: Path) -> str:
    """Embed a PNG file as it is."""
    return _uri(path.read_bytes())


def strip(images: np.ndarray) -> np.ndarray:
    """Put images side by side with a dark pixel between: uint8 [N, H, W] or [N, H, W, C] -> [H, N * (W + 1) - 1] or [..., 3]."""
    return lay_out(images, columns=len(images), gap=1)


def _uri(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")
