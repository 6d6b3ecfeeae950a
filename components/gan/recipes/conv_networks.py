"""The `conv` recipe's generator and discriminator: class-conditional, convolutional, without normalisation layers."""

from __future__ import annotations

import keras

from components.gan.recipes.conv_layers import Layers
from components.gan.recipes.inputs import discriminator_inputs, generator_inputs, image_dtype
from components.gan.settings import GanSettings
from serving.repository.contract import IMAGE_SHAPE


def build_generator(settings: GanSettings, num_classes: int, policy: str) -> keras.Model:
    """Build (latent float32 [N, Z], label int64 [N]) -> image [N, 28, 28, 1] in [-1, 1]."""
    width = settings.width
    make = Layers(policy, settings.seed)
    side = IMAGE_SHAPE[0] // 4
    latent, label = generator_inputs(settings)
    style = keras.layers.Concatenate(dtype=policy)([latent, make.class_code(label, num_classes, settings.latent_size)])
    x = make.dense(4 * width)(style)
    x = make.activation()(x)
    x = make.dense(side * side * 2 * width)(x)
    x = keras.layers.Reshape([side, side, 2 * width], dtype=policy)(x)
    x = make.activation()(x)
    x = make.residual(x, 2 * width)
    x = make.activation()(make.upscale(width)(x))
    x = make.residual(x, width)
    x = make.to_image(x)
    image = keras.layers.Activation("tanh", dtype=image_dtype(policy))(x)
    return keras.Model([latent, label], image, name="generator")


def build_discriminator(settings: GanSettings, num_classes: int, policy: str) -> keras.Model:
    """Build (image float32 [N, 28, 28, 1], label int64 [N]) -> logit float32 [N]."""
    width = settings.width
    make = Layers(policy, settings.seed + 1)
    image, label = discriminator_inputs()
    x = make.activation()(make.from_image(image, width))
    x = make.activation()(make.downscale(2 * width)(x))
    x = make.residual(x, 2 * width)
    x = keras.layers.Flatten(dtype=policy)(x)
    features = make.activation()(make.dense(4 * width)(x))
    # float32 from here: the loss is a difference of logits. A logit shared by all classes plus the features' projection on the
    # class's own vector; one separate logit a class learned slower (measured).
    shared = make.dense(1, policy="float32")(features)
    projection = keras.layers.Dot(1, dtype="float32")([features, make.class_code(label, num_classes, 4 * width)])
    logit = keras.layers.Add(dtype="float32")([shared, keras.layers.Rescaling((4 * width) ** -0.5, dtype="float32")(projection)])
    return keras.Model([image, label], keras.layers.Reshape([], dtype="float32")(logit), name="discriminator")
