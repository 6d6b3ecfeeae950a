"""Which dataset, and which part of it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from components.ingest.image_shape import LARGEST, SMALLEST, STEP
from components.settings import Settings

# A TFDS name, with its configuration where it has several: mnist, emnist/letters.
DATASET_PATTERN = r"^[a-z0-9_]+(/[A-Za-z0-9_.\-]+)?$"
# The splits that every later component reads, whatever they are made of.
TRAIN_SPLIT = "train"
EVAL_SPLIT = "test"


class DataSettings(Settings):
    """The dataset and the two splits of the pipeline.

    The output splits are always called `train` and `test`; the expressions say which records each holds, in TFDS's own
    split language: `train[:2000]`, `test[10%:50%]`, `train+validation`.
    """

    dataset: str = Field(
        default="mnist",
        pattern=DATASET_PATTERN,
        description="TFDS name of a labelled image dataset, e.g. mnist, fashion_mnist, kmnist, emnist/letters; "
        "mnist because it is small and every figure in the literature is quoted on it",
    )
    train_split: str = Field(
        default="train",
        min_length=1,
        description="TFDS split expression of the training records; all of them, because a GAN memorises a small set",
    )
    eval_split: str = Field(
        default="test",
        min_length=1,
        description="TFDS split expression of the records that the gate compares with; never part of the training records",
    )
    image_size: int | None = Field(
        default=None,
        ge=SMALLEST,
        le=LARGEST,
        multiple_of=STEP,
        description="Height and width of the images in pixels, to which all are scaled; by default what the data have, "
        "or the nearest supported size",
    )
    channels: Literal[1, 3] | None = Field(
        default=None, description="1: grey, 3: colour; by default what the data have, colour where some are"
    )
    background: str = Field(
        default="#ffffff",
        pattern=r"^#[0-9a-fA-F]{6}$",
        description="Colour that shows through transparent pixels; white, as a page shows them",
    )
