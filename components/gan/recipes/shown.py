"""What the discriminator is shown of images: their pixels, and beside them what it can hardly make out of those by itself."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from components.gan.recipes.profiles import profiles, profiles_size
from components.gan.recipes.spectrum import log_spectrum, spectrum_size
from components.shape import ImageShape


class Beside(NamedTuple):
    """The weight of each view beside the pixels; one of 0 is not shown."""

    spectrum: float = 0.0
    profiles: float = 0.0


# In the order of Beside's fields.
_VIEWS = (log_spectrum, profiles)
_SIZES = (spectrum_size, profiles_size)


def shown(images: tf.Tensor, beside: Beside) -> list[tf.Tensor]:
    """Return what a discriminator is shown of images, besides the label.

    Args:
        images: float32 [N, H, W, C] in [-1, 1].
        beside: The weights.

    Returns:
        The images, and after them each view with a weight, float32 [N, S].
    """
    return [images, *(view(images, weight) for view, weight in zip(_VIEWS, beside, strict=True) if weight)]


def sizes(shape: ImageShape, beside: Beside) -> dict[str, int]:
    """Return the name and the number of values of each view with a weight, in the order of `shown`."""
    found = zip(Beside._fields, _SIZES, beside, strict=True)
    return {name: size(shape) for name, size, weight in found if weight}
