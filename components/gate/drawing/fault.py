"""What can be wrong with what a generator answers."""

from __future__ import annotations

from enum import IntEnum

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
    Fault.WRONG_IMAGES: f"{_SAMPLE} does not answer uint8 images [N, {', '.join(map(str, contract.IMAGE_SHAPE))}]",
    Fault.WRONG_LABELS: f"{_SAMPLE} answers neither the labels asked for nor {contract.ANY_LABEL} in every row",
    Fault.HANGS: f"{_SAMPLE} does not answer in time",
}
