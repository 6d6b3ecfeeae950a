"""Rows of a request: checking them, cutting them into chunks, and deriving their seeds from one user's seed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from .contract import ANY_LABEL
from .errors import ClientError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

# Rows that travel in one call: below the server's row limit, and the same locally and over gRPC, so that both see equal batches.
# As many images of 128x128x3 bytes, the largest that Forger makes, are 12 MiB: below the server's limit of 16.
CHUNK_ROWS = 256


def seeds_for(seed: int, count: int, *, first: int = 0) -> np.ndarray:
    """Derive one seed for each row from one user's seed.

    Row i gets the SplitMix64 mix (Steele, Lea, Flood 2014) of mix(seed) + i * golden ratio, its top bit dropped. So the same seed
    gives the same rows locally and over gRPC, more rows begin with the same rows, and neighbouring seeds share none.

    Args:
        seed: The user's seed, any Python int (its low 64 bits count).
        count: Rows wanted, at least 0.
        first: Number of the first of them.

    Returns:
        int64 [count], each in [0, 2**63).
    """
    start = _mix(np.array([seed & 0xFFFFFFFFFFFFFFFF], np.uint64))
    steps = np.arange(first, first + count, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    return (_mix(start + steps) >> np.uint64(1)).astype(np.int64)


def _mix(state: np.ndarray) -> np.ndarray:
    state = state + np.uint64(0x9E3779B97F4A7C15)
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))


def labels_for(label: int | None, count: int) -> np.ndarray:
    """The same label for every row, or any class when `label` is None, as int64 [count]."""
    return np.full(count, ANY_LABEL if label is None else label, np.int64)


def paired(first: ArrayLike, labels: ArrayLike, *, latents: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Check that two inputs are rows of one request.

    Args:
        first: Seeds, integers [N]; or latents, floats [N, Z].
        labels: Integers [N].
        latents: What `first` is.

    Returns:
        Seeds as int64 [N] or latents as float32 [N, Z], and labels as int64 [N].

    Raises:
        ClientError: Another rank or type, or two lengths.
    """
    rows = _floats(first) if latents else _integers(first, "seeds")
    chosen = _integers(labels, "labels")
    if rows.shape[0] != chosen.shape[0]:
        raise ClientError(
            f"{rows.shape[0]} {'latents' if latents else 'seeds'} but {chosen.shape[0]} labels: give one label a row"
        )
    return np.ascontiguousarray(rows), np.ascontiguousarray(chosen)


def chunks(count: int, size: int = CHUNK_ROWS) -> Iterator[slice]:
    """Slices that cut `count` rows into chunks of at most `size`; one empty slice for no rows."""
    for start in range(0, max(count, 1), size):
        yield slice(start, min(start + size, count))


def _integers(values: ArrayLike, name: str) -> np.ndarray:
    array = np.asarray(values)
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
        raise ClientError(f"{name} must be one list of integers, not {array.dtype} of shape {list(array.shape)}")
    return array.astype(np.int64)


def _floats(values: ArrayLike) -> np.ndarray:
    array = np.asarray(values)
    if array.ndim != 2 or array.dtype.kind not in "iuf":
        raise ClientError(f"latents must be numbers of shape [rows, latent size], not {array.dtype} of shape {list(array.shape)}")
    return array.astype(np.float32)
