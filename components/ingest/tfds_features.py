"""Which features of a TFDS dataset are the image and the class."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from components.ingest.settings import NO_LABELS
from serving.repository.errors import UserError

IMAGE, LABEL = "image", "label"  # what they are called in the examples, whatever TFDS calls them


class Fields(NamedTuple):
    """The two features.

    Attributes:
        image_key: Name of the image feature in TFDS's records, "a/b" for a feature inside another.
        label_key: Name of the class feature, or None for an unlabelled dataset.
        class_names: By label; empty for an unlabelled dataset.
        shape: Height, width and channels as TFDS declares them; None where images differ.
    """

    image_key: str
    label_key: str | None
    class_names: tuple[str, ...]
    shape: tuple[int | None, int | None, int | None]


def choose_fields(dataset: str, features: Any, image_key: str | None, label_key: str | None) -> Fields:
    """Find the image and the class among a dataset's features.

    Args:
        dataset: TFDS name, for messages.
        features: Of the builder's info.
        image_key: The setting `data.image_key`; None for `image`, or the only image feature.
        label_key: The setting `data.label_key`; None for `label`, or the only class feature, or no labels where there is none.

    Raises:
        UserError: There is no such feature, several fit, or the images aren't of 8 or 16 bits.
    """
    import tensorflow_datasets as tfds

    found = dict(_flat(features, tfds))
    images = [name for name, feature in found.items() if isinstance(feature, tfds.features.Image)]
    classes = [name for name, feature in found.items() if isinstance(feature, tfds.features.ClassLabel)]
    image_key = _chosen(dataset, "image", "data.image_key", image_key, images, IMAGE, found)
    if image_key is None:
        raise UserError(f"{dataset} has no image feature (it has {', '.join(found)}): choose an image dataset")
    unlabelled = label_key == NO_LABELS
    label_key = None if unlabelled else _chosen(dataset, "class", "data.label_key", label_key, classes, LABEL, found)
    shape, dtype = tuple(found[image_key].shape), np.dtype(found[image_key].np_dtype).name
    if len(shape) != 3 or dtype not in ("uint8", "uint16"):
        sides = "x".join("?" if side is None else str(side) for side in shape)
        raise UserError(
            f"{dataset} has images of {sides} {dtype}, forger needs height, width and colours in uint8: choose another"
        )
    names = tuple(found[label_key].names or ()) if label_key else ()
    if len(names) < 2:  # a single class says nothing
        return Fields(image_key, None, (), shape)
    return Fields(image_key, label_key, names, shape)


def _flat(features: Any, tfds: Any, prefix: str = "") -> list[tuple[str, Any]]:
    """Name all features as TFDS's records do, sequences left out: those hold any number of images or classes."""
    if isinstance(features, tfds.features.FeaturesDict):
        return [found for name, inner in features.items() for found in _flat(inner, tfds, f"{prefix}/{name}" if prefix else name)]
    return [(prefix, features)] if prefix else []


def _chosen(
    dataset: str, kind: str, setting: str, wanted: str | None, fitting: list[str], usual: str, found: dict[str, Any]
) -> str | None:
    if wanted is not None:
        if wanted not in fitting:
            known = ", ".join(fitting) or "none"
            is_what = f"is no {kind} feature" if wanted in found else "isn't there"
            raise UserError(f"{setting}={wanted}: in {dataset} it {is_what}; of that kind it has {known}")
        return wanted
    if usual in fitting:
        return usual
    if len(fitting) > 1:
        raise UserError(f"{dataset} has several {kind} features: choose one with --set {setting}=NAME, of {', '.join(fitting)}")
    return fitting[0] if fitting else None
