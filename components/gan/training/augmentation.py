"""How much a training's images are augmented: chosen from how many there are and how often each is seen."""

from __future__ import annotations

import math

from components.gan.settings import GanSettings

_ENOUGH = 20_000  # images from which on a discriminator of this size doesn't learn them by heart
_FEW_PASSES = 20  # a training that sees each image fewer times hasn't the time to
_A_HALVING = 0.2  # more for each halving of the images: 0.2 of 10,000, 0.4 of 5,000; near what ADA settles on
_MOST = 0.6  # well below where changes begin to show in the samples


def with_augmentation(settings: GanSettings, images: int) -> GanSettings:
    """Settle `augment` where the settings leave it to the data.

    Args:
        settings: The knobs.
        images: Images of one pass.

    Returns:
        The settings, `augment` a number.
    """
    if settings.augment is not None:
        return settings
    passes = settings.steps * settings.batch_size / images
    few = settings.recipe == "conv" and images < _ENOUGH and passes >= _FEW_PASSES
    probability = min(_A_HALVING * math.log2(_ENOUGH / images), _MOST) if few else 0.0
    return settings.model_copy(update={"augment": round(probability, 3)})
