"""The shape that every image of a run gets: decided here once, from what the data have and what the settings ask for."""

from __future__ import annotations

from collections.abc import Mapping

from components.shape import ImageShape
from serving.repository.errors import UserError

# Sizes are multiples of STEP: the recipe starts at 4 to 7 pixels and doubles.
SMALLEST, LARGEST, STEP = 16, 128, 4
GREY, COLOUR = 1, 3


def decide_shape(found: Mapping[ImageShape, int], image_size: int | None, channels: int | None) -> ImageShape:
    """Decide on the shape that all images are brought to.

    By default it is what the data have, where all agree and it is square and supported. Else the size is the supported one
    nearest to the median of the shorter sides (images are cropped to their middle square, then scaled; of two equally near sizes
    the smaller, which invents no pixels), and the channels are RGB as soon as one image has colour, so that none is lost.

    Args:
        found: How many images have which shape, as their files say.
        image_size: The setting `data.image_size`; None for the default.
        channels: The setting `data.channels`; None for the default.

    Returns:
        A square shape whose sides are multiples of 4 from 16 to 128, with 1 or 3 channels.

    Raises:
        UserError: There are no images; most are smaller than 16 pixels and no size is set; or a setting isn't supported.
    """
    counted = {shape: count for shape, count in found.items() if count > 0}
    if not counted:
        raise UserError("there are no images to take the shape from: check the data")
    side = _nearest(counted) if image_size is None else image_size
    if side % STEP or not SMALLEST <= side <= LARGEST:
        raise UserError(f"data.image_size={side} isn't supported: choose a multiple of {STEP} from {SMALLEST} to {LARGEST}")
    if channels is None:
        channels = COLOUR if any(shape.channels >= COLOUR for shape in counted) else GREY
    if channels not in (GREY, COLOUR):
        raise UserError(f"data.channels={channels} isn't supported: choose {GREY} (grey) or {COLOUR} (colour)")
    return ImageShape(side, side, channels)


def _nearest(found: Mapping[ImageShape, int]) -> int:
    """The supported size nearest to the median of the shorter sides."""
    sides: dict[int, int] = {}
    for shape, count in found.items():
        side = min(shape.height, shape.width)
        sides[side] = sides.get(side, 0) + count
    middle, passed = sum(sides.values()) / 2, 0
    for side in sorted(sides):
        passed += sides[side]
        if passed >= middle:
            break
    if side < SMALLEST:
        raise UserError(f"most images are only {side} pixels high or wide: take larger ones, "
                        f"or set data.image_size={SMALLEST} to have them enlarged")  # fmt: skip
    return min(range(SMALLEST, LARGEST + 1, STEP), key=lambda size: (abs(size - side), size))
