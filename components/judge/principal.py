"""The principal components of images: exactly where their covariance is small, else by subspace iteration."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

_EXACT = 1024  # pixels up to which the whole covariance is decomposed: 1 s, where 64x64x3 would take half an hour and 2 GB
_SPARE, _ROUNDS = 8, 4  # further directions that are iterated, and how often: Halko, Martinsson & Tropp 2011, section 4.5
_CHUNK = 7_840_000  # values at a time: 30 MB of float32
_WHITE = 255.0


def main_components(images: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Find the directions in which images vary most.

    Args:
        images: uint8 [R, H, W, C].
        size: Directions wanted; at most P, the values of an image.

    Returns:
        Mean of the pixels in [0, 1], float32 [P], and orthonormal columns, float32 [P, <= size].
    """
    pixels = math.prod(images.shape[1:])
    if pixels <= _EXACT:
        flat = as_rows(images)
        mean = flat.mean(0)
        covariance = (flat.T @ flat) / len(flat) - np.outer(mean, mean)
        _, vectors = np.linalg.eigh(covariance.astype(np.float64))
        return mean, np.ascontiguousarray(vectors[:, ::-1][:, :size], np.float32)
    total = np.zeros(pixels)
    for rows in chunks(images):
        total += rows.sum(0, dtype=np.float64)
    mean = (total / len(images)).astype(np.float32)
    width = min(size + _SPARE, len(images), pixels)
    basis = np.linalg.qr(np.random.default_rng(0).standard_normal((pixels, width)).astype(np.float32))[0]
    for _ in range(_ROUNDS):
        basis = np.linalg.qr(_times_covariance(images, mean, basis))[0]
    _, vectors = np.linalg.eigh((basis.T @ _times_covariance(images, mean, basis)).astype(np.float64))
    return mean, np.ascontiguousarray(basis @ vectors[:, ::-1][:, :size], np.float32)


def chunks(images: np.ndarray) -> Iterator[np.ndarray]:
    """Images as rows of floats, as many at a time as is kind to the memory; at least one chunk, if an empty one."""
    step = max(1, _CHUNK // max(1, math.prod(images.shape[1:])))
    for start in range(0, max(len(images), 1), step):
        yield as_rows(images[start : start + step])


def as_rows(images: np.ndarray) -> np.ndarray:
    """Images uint8 [N, H, W, C] as float32 [N, P] in [0, 1]."""
    return images.reshape(len(images), math.prod(images.shape[1:])).astype(np.float32) / _WHITE


def _times_covariance(images: np.ndarray, mean: np.ndarray, basis: np.ndarray) -> np.ndarray:
    """The images' covariance times columns, float32 [P, K], without the covariance itself."""
    total = np.zeros(basis.shape, np.float32)
    for rows in chunks(images):
        centred = rows - mean
        total += centred.T @ (centred @ basis)
    return total / np.float32(len(images))
