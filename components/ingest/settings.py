"""Which dataset, and which part of it."""

from __future__ import annotations

from pydantic import Field

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
        description="TFDS name of a labelled 28x28x1 image dataset, e.g. mnist, fashion_mnist, kmnist, emnist/letters; "
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
    max_shared: float = Field(
        default=0.01,
        ge=0,
        le=1,
        description="Share of the evaluated images that may be training images as well, by content; beyond it, and beyond 5 "
        "images, the run stops. Ten times what is natural: of 10,000, MNIST and CIFAR-10 have none, the first edition of "
        "fashion_mnist had 10",
    )
