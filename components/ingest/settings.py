"""Which dataset, and which part of it."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from components.ingest.image_shape import LARGEST, SMALLEST, STEP
from components.settings import Settings

# A TFDS name, with its configuration where it has several: mnist, emnist/letters.
DATASET_PATTERN = r"^[a-z0-9_]+(/[A-Za-z0-9_.\-]+)?$"
# The family of names that image folders have: folder/holiday_pictures.
FOLDER_FAMILY = "folder"
NO_LABELS = "none"  # value of data.label_key
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
        description="TFDS name of an image dataset, e.g. mnist, fashion_mnist, kmnist, emnist/letters; mnist because it is small "
        "and every figure in the literature is quoted on it. With data.folder it is folder/NAME, with data.module its last name",
    )
    folder: str | None = Field(
        default=None,
        min_length=1,
        description="A folder of images of your own, in place of a registered dataset; the same as --data",
    )
    module: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$",
        description="Python module that registers a TFDS builder of your own, e.g. my_package.my_dataset",
    )
    data_dir: str | None = Field(
        default=None,
        min_length=1,
        description="TFDS data_dir in which you have prepared the dataset with TFDS; it is read where it lies",
    )
    image_key: str | None = Field(
        default=None, min_length=1, description="Feature that holds the image; by default `image`, or the only one of its kind"
    )
    label_key: str | None = Field(
        default=None,
        min_length=1,
        description="Feature that holds the class; by default `label`, or the only one of its kind; `none`: use no labels",
    )
    max_unreadable: float = Field(
        default=0.01,
        ge=0,
        le=1,
        description="Share of a folder's images that may be unreadable and are left out; with more the run stops and names some",
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

    @field_validator("dataset", mode="before")
    @classmethod
    def _is_a_name(cls, value: Any) -> Any:
        if isinstance(value, str) and not re.match(DATASET_PATTERN, value):
            raise ValueError(f"{value!r} is not a TFDS dataset name: expected e.g. mnist or emnist/letters")
        return value

    @model_validator(mode="before")
    @classmethod
    def _name_the_dataset(cls, values: Any) -> Any:
        """A folder or a module names its dataset, where no name is given."""
        if not isinstance(values, dict):
            return values
        if isinstance(place := values.get("data_dir"), str) and place:
            values = {**values, "data_dir": str(Path(place).expanduser().absolute())}
        if isinstance(folder := values.get("folder"), str) and folder:
            folder = str(Path(folder).expanduser().absolute())
            return {"dataset": folder_dataset(Path(folder)), **values, "folder": folder}
        if isinstance(module := values.get("module"), str):
            return {"dataset": module.rpartition(".")[2], **values}
        return values

    @model_validator(mode="after")
    def _one_source(self) -> DataSettings:
        given = [name for name in ("folder", "module", "data_dir") if getattr(self, name)]
        if len(given) > 1:
            raise ValueError(f"data.{' and data.'.join(given)} exclude each other: give one")
        if is_folder(self.dataset) != (self.folder is not None):
            raise ValueError(
                f"{self.dataset} is no name for a folder: call it {FOLDER_FAMILY}/NAME"
                if self.folder
                else f"{self.dataset} is a folder's name: say with --data where it is"
            )
        return self


def is_folder(dataset: str) -> bool:
    """Say whether a dataset's name is one of an image folder."""
    return dataset.startswith(f"{FOLDER_FAMILY}/")


def folder_dataset(folder: Path) -> str:
    """Name the dataset of a folder: folder/ and the folder's own name, in letters that a path and a URL may have."""
    plain = unicodedata.normalize("NFKD", folder.name).encode("ascii", "ignore").decode().lower()
    name = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")
    if not name:  # nothing Latin in it
        name = "images_" + hashlib.sha256(folder.name.encode(errors="surrogateescape")).hexdigest()[:8]
    return f"{FOLDER_FAMILY}/{name}"
