"""Several images on one sheet."""

from __future__ import annotations

import numpy as np


def lay_out(images: np.ndarray, columns: int, gap: int = 0) -> np.ndarray:
    """Lay images out in rows, in the order given.

    Args:
        images: uint8 [N, H, W] or [N, H, W, C], N > 0, C 1 (grey) or 3 (RGB).
        columns: Images in a row; the last row may have fewer.
        gap: Pixels between neighbours.

    Returns:
        uint8 [rows * (H + gap) - gap, columns * (W + gap) - gap], of colours with a third axis of 3; gaps and empty cells are
        black.
    """
    count, height, width = images.shape[:3]
    colours = images.shape[3:] if images.shape[3:] != (1,) else ()
    rows, tall, wide = -(-count // columns), height + gap, width + gap
    cells = np.zeros((rows * columns, tall, wide, *colours), np.uint8)
    cells[:count, :height, :width] = images.reshape(count, height, width, *colours)
    sheet = cells.reshape(rows, columns, tall, wide, *colours).swapaxes(1, 2).reshape(rows * tall, columns * wide, *colours)
    return sheet[: rows * tall - gap, : columns * wide - gap]
