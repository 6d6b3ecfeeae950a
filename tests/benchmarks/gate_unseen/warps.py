"""Changes of images that kinds of generators share: resampling, JPEG, rounding. All take and give uint8 [N, H, W, C]."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image
from scipy import ndimage


def to_bytes(values: np.ndarray) -> np.ndarray:
    """Round to bytes."""
    return np.clip(np.round(values), 0, 255).astype(np.uint8)


def levels(images: np.ndarray, count: int) -> np.ndarray:
    """Keep so many grey levels, black and white among them."""
    return to_bytes(np.round(images / 255 * (count - 1)) * 255 / (count - 1))


def resampled(images: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Take each pixel from another place, by cubic splines.

    Args:
        images: uint8 [N, H, W, C].
        rows: Where from, in pixels; [N, H, W] or what broadcasts to it.
        columns: The same.
    """
    shape = images.shape[:3]
    rows, columns = np.broadcast_to(rows, shape), np.broadcast_to(columns, shape)
    found = np.empty(images.shape, np.float32)
    for place, image in enumerate(images):
        for channel in range(images.shape[3]):
            wanted = [rows[place], columns[place]]
            found[place, ..., channel] = ndimage.map_coordinates(
                image[..., channel].astype(np.float32), wanted, order=3, mode="nearest"
            )
    return to_bytes(found)


def grid(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the places of the pixels themselves, float64 [1, H, W] twice."""
    rows, columns = np.indices(images.shape[1:3]).astype(float)
    return rows[np.newaxis], columns[np.newaxis]


def turned(images: np.ndarray, degrees: np.ndarray) -> np.ndarray:
    """Turn each image about its middle by degrees, [N] or a scalar."""
    rows, columns = grid(images)
    middle = [(side - 1) / 2 for side in images.shape[1:3]]
    angle = np.deg2rad(np.reshape(degrees, (-1, 1, 1)))
    down, right = rows - middle[0], columns - middle[1]
    return resampled(
        images,
        middle[0] + np.cos(angle) * down - np.sin(angle) * right,
        middle[1] + np.sin(angle) * down + np.cos(angle) * right,
    )


def elastic(images: np.ndarray, pixels: float, rng: np.random.Generator) -> np.ndarray:
    """Warp each image by a smooth random field of so many pixels, root mean square (Simard et al. 2003)."""
    rows, columns = grid(images)
    fields = ndimage.gaussian_filter(rng.normal(size=(2, *images.shape[:3])), (0, 0, 4, 4))
    fields *= pixels / fields.std()
    return resampled(images, rows + fields[0], columns + fields[1])


def jpeg(images: np.ndarray, quality: int) -> np.ndarray:
    """Write and read each image as a JPEG."""
    found = np.empty_like(images)
    for place, image in enumerate(images):
        file = io.BytesIO()
        Image.fromarray(image[..., 0] if image.shape[2] == 1 else image).save(file, "JPEG", quality=quality)
        found[place] = np.asarray(Image.open(file)).reshape(image.shape)
    return found
