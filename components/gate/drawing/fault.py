"""What can be wrong with what a generator answers."""

from __future__ import annotations

from enum import IntEnum

import numpy as np

from serving.repository import contract


class Fault(IntEnum):
    """Why a draw failed; a number, so that it can travel as a metric."""

    NONE = 0
    EXCEPTION = 1
    WRONG_OUTPUTS = 2
    WRONG_IMAGES = 3
    WRONG_LABELS = 4
    HANGS = 5

    @property
    def text(self) -> str:
        """What went wrong, in words."""
        return _FAULT_TEXTS[self]


_SAMPLE = f"its signature '{contract.SIGNATURE_SAMPLE}'"
_FAULT_TEXTS = {
    Fault.NONE: "",
    Fault.EXCEPTION: f"{_SAMPLE} fails",
    Fault.WRONG_OUTPUTS: f"{_SAMPLE} lacks the output '{contract.OUTPUT_IMAGE}' or '{contract.OUTPUT_LABEL}'",
    Fault.WRONG_IMAGES: f"{_SAMPLE} does not answer uint8 images of the data's shape",
    Fault.WRONG_LABELS: f"{_SAMPLE} answers neither the labels asked for nor {contract.ANY_LABEL} in every row",
    Fault.HANGS: f"{_SAMPLE} does not answer in time",
}


def fault_of(images: np.ndarray, answered: np.ndarray, labels: np.ndarray, shape: tuple[int, ...]) -> Fault:
    """Hold an answer to the serving contract.

    Args:
        images: What was answered; should be uint8 [N, H, W, C].
        answered: The classes that come with it; should be `labels`, or -1 in every row.
        labels: int64 [N], the classes asked for.
        shape: Height, width and channels of the real images.

    Returns:
        WRONG_IMAGES, WRONG_LABELS or NONE.
    """
    if images.dtype != np.uint8 or images.shape != (len(labels), *shape):
        return Fault.WRONG_IMAGES
    if answered.shape != labels.shape or not ((answered == labels).all() or (answered == contract.ANY_LABEL).all()):
        return Fault.WRONG_LABELS
    return Fault.NONE
