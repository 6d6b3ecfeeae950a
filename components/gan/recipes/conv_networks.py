"""The `conv` recipe's generator and discriminator: class-conditional, convolutional, without normalisation layers.

Both walk the same levels, the generator upwards: at each the sides are half those of the level above and the channels twice as
many. The lowest level has 4 to 7 pixels a side, so that the depth follows from the size of the images.
"""

from __future__ import annotations

from typing import NamedTuple

import keras

from components.gan.recipes.colour import COLOURS
from components.gan.recipes.conv_layers import Layers
from components.gan.recipes.inputs import discriminator_inputs, generator_inputs, image_dtype
from components.gan.recipes.spectrum import spectrum_size
from components.gan.settings import GanSettings
from components.shape import ImageShape

_LARGEST_BASE = 7  # pixels a side of the lowest level
_FEWEST_LEVELS = 2
_SPECTRUM = 0.1  # five times as much outweighs the pixels (docs/trials.md)
_MIN_DISCRIMINATOR_RATE = 3.2e-4  # measured in digits (docs/trials.md)


class Level(NamedTuple):
    """One resolution of both networks."""

    side: int
    channels: int


def levels(settings: GanSettings, shape: ImageShape) -> list[Level]:
    """Return the levels below the image, the widest resolution first.

    E.g. for 28 pixels 14 and 7, for 32 pixels 16, 8 and 4, for 36 pixels 18, 9 and 5; with `width` channels at first, each time
    twice as many, up to `max_channels`.
    """
    found = [Level(shape.height // 2, settings.width)]
    while found[-1].side > _LARGEST_BASE or len(found) < _FEWEST_LEVELS:
        side, channels = found[-1]
        found.append(Level(-(-side // 2), max(min(2 * channels, settings.max_channels), settings.width)))
    return found


def is_rich(settings: GanSettings, shape: ImageShape) -> bool:
    """Tell whether images are richer than MNIST's, which two levels of grey were tuned for: in colour, or of more levels."""
    return shape.channels == COLOURS or len(levels(settings, shape)) > _FEWEST_LEVELS


def spectrum_weight(settings: GanSettings, shape: ImageShape) -> float:
    """Return the weight of the frequencies that the discriminator is shown, 0 for none."""
    if settings.spectrum is not None:
        return settings.spectrum
    return _SPECTRUM if is_rich(settings, shape) else 0.0


def is_modulated(settings: GanSettings, shape: ImageShape) -> bool:
    """Tell whether latent and class scale the channels of every level, not only of the lowest one's input."""
    return is_rich(settings, shape) if settings.modulation is None else settings.modulation


def min_discriminator_rate(settings: GanSettings, shape: ImageShape) -> float:
    """Return what the discriminator's rate does not fall below."""
    if settings.min_discriminator_rate is not None:
        return settings.min_discriminator_rate
    return 0.0 if is_rich(settings, shape) else _MIN_DISCRIMINATOR_RATE


def build_generator(settings: GanSettings, num_classes: int, shape: ImageShape, policy: str) -> keras.Model:
    """Build (latent float32 [N, Z], label int64 [N]) -> image [N, H, W, C] in [-1, 1]."""
    *higher, base = levels(settings, shape)
    make = Layers(policy, settings.seed, steady=is_rich(settings, shape))
    latent, label = generator_inputs(settings)
    style = keras.layers.Concatenate(dtype=policy)([latent, make.class_code(label, num_classes, settings.latent_size)])
    style = make.activation()(make.dense(2 * base.channels)(style))
    scale = make.scale if is_modulated(settings, shape) else lambda x, _: x
    x = make.dense(base.side * base.side * base.channels)(style)
    x = keras.layers.Reshape([base.side, base.side, base.channels], dtype=policy)(x)
    x = make.residual(scale(make.activation()(x), style), base.channels)
    for level in reversed(higher):
        x = make.activation()(make.upscale(x, level.channels, level.side))
        x = make.residual(scale(x, style), level.channels)
    x = make.to_image(x, shape.channels)
    image = keras.layers.Activation("tanh", dtype=image_dtype(policy))(x)
    return keras.Model([latent, label], image, name="generator")


def build_discriminator(settings: GanSettings, num_classes: int, shape: ImageShape, policy: str) -> keras.Model:
    """Build (image float32 [N, H, W, C], label int64 [N]) -> logit float32 [N].

    With a `spectrum_weight` a third input stands between the two: spectrum float32 [N, S].
    """
    make = Layers(policy, settings.seed + 1)
    top, *lower = levels(settings, shape)
    image, label = discriminator_inputs(shape)
    shown = [image]
    x = make.activation()(make.from_image(image, top.channels))
    for level in lower:
        x = make.activation()(make.downscale(level.channels)(x))
        x = make.residual(x, level.channels)
    x = keras.layers.Flatten(dtype=policy)(x)
    size = 2 * lower[-1].channels
    if spectrum_weight(settings, shape):
        shown.append(keras.Input([spectrum_size(shape)], dtype="float32", name="spectrum"))
        x = keras.layers.Concatenate(dtype=policy)([x, make.activation()(make.dense(size)(shown[-1]))])
    features = make.activation()(make.dense(size)(x))
    # float32 from here: the loss is a difference of logits. A logit shared by all classes plus the features' projection on the
    # class's own vector; one separate logit a class learned slower (measured).
    shared = make.dense(1, policy="float32")(features)
    projection = keras.layers.Dot(1, dtype="float32")([features, make.class_code(label, num_classes, size)])
    logit = keras.layers.Add(dtype="float32")([shared, keras.layers.Rescaling(size**-0.5, dtype="float32")(projection)])
    return keras.Model([*shown, label], keras.layers.Reshape([], dtype="float32")(logit), name="discriminator")
