"""What is known of a dataset's images before any training, in one line."""

from __future__ import annotations

from components.ingest.image_shape import COLOUR, GREY, decide_shape
from components.ingest.record import PreparedDataset
from components.ingest.settings import TRAIN_SPLIT, DataSettings
from components.shape import ImageShape

UNLABELLED = "unlabelled"
_NAMED = 5  # classes


def describe(prepared: PreparedDataset, data: DataSettings) -> str:
    """Say how many images there are, of which classes and shape, and what will be done to how many of them.

    Args:
        prepared: The dataset.
        data: Its settings.

    Raises:
        UserError: As for `decide_shape`.
    """
    shape = decide_shape(prepared.shapes, data.image_size, data.channels)
    splits = sorted(prepared.splits, key=lambda split: (split != TRAIN_SPLIT, split))
    counts = ", ".join(f"{prepared.splits[split]:,} {split}" for split in splits)
    done = changes(prepared, shape)
    said = ", ".join(f"{count:,} {what}" for what, count in done.items()) or "none is changed"
    return f"{prepared.dataset}, {counts} images, {classes_in_words(prepared.class_names)}, {shape}: {said}"


def changes(prepared: PreparedDataset, shape: ImageShape) -> dict[str, int]:
    """Count what is done to a dataset's images, so that all get one shape; what is done to none is left out."""

    def count(chosen: list[ImageShape]) -> int:
        return sum(prepared.shapes[one] for one in chosen)

    shapes = list(prepared.shapes)
    colours = "converted to grey" if shape.channels == GREY else "converted to colour"
    done = {
        "scaled": count([one for one in shapes if min(one.height, one.width) != shape.height]),
        "cropped to their middle square": count([one for one in shapes if one.height != one.width]),
        colours: count([one for one in shapes if (one.channels >= COLOUR) != (shape.channels == COLOUR)]),
        "flattened from alpha": count([one for one in shapes if one.channels not in (GREY, COLOUR)]),
        "left out as unreadable": prepared.unreadable,
    }
    return {what: images for what, images in done.items() if images}


def classes_in_words(class_names: tuple[str, ...] | list[str]) -> str:
    """Say which classes there are, or that there are none."""
    if not class_names:
        return UNLABELLED
    shown = ", ".join(class_names[:_NAMED]) + (", ..." if len(class_names) > _NAMED else "")
    return f"{len(class_names):,} classes ({shown})"
