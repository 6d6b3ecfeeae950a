"""Keys of images, hashes of their content: what is chosen by them is the same wherever and whenever an image is met."""

from __future__ import annotations

import hashlib

import numpy as np

_KEY_BITS = 63  # keys are >= 0 and fit an int64, as `sample`'s seeds do


def content_keys(images: np.ndarray) -> np.ndarray:
    """Hash images uint8 [N, H, W, C] by content: int64 [N] in 0..2^63-1."""
    digests = (hashlib.blake2b(image.tobytes(), digest_size=8).digest() for image in images)
    return np.array([int.from_bytes(digest, "big") % 2**_KEY_BITS for digest in digests], np.int64)


def within(keys: np.ndarray | int, share: float) -> np.ndarray | bool:
    """Tell which keys are among a share of all there can be, 0..1; a smaller share's are among a larger one's."""
    return keys < share * 2.0**_KEY_BITS
