"""The judge's network: a small strided CNN whose last hidden layer is the feature."""

from __future__ import annotations

import keras
import tensorflow as tf

from components.shape import ImageShape
from components.transform.pixels import scale

# The strided convolutions: 28 -> 14 -> 7 -> 3 pixels with 24, 48 and 96 filters, about 1 M multiply-adds an image; larger images
# get more of them.
_FILTERS, _MOST_FILTERS = 24, 384
_SMALL = 8  # pixels a side from which the last one leads to 2 or 3


def convolutions(side: int) -> list[tuple[int, int, str]]:
    """Return filters, kernel and padding of each strided convolution over images of a size."""
    found: list[tuple[int, int, str]] = []
    while side > _SMALL:
        found.append((_filters(len(found)), 3 if found else 5, "same"))
        side = -(-side // 2)
    return [*found, (_filters(len(found)), 3, "valid")]


def _filters(layer: int) -> int:
    return min(_FILTERS * 2**layer, _MOST_FILTERS)


def build_network(classes: int, feature_size: int, seed: int, shape: ImageShape) -> keras.Model:
    """Build the untrained network.

    Args:
        classes: Number of classes C.
        feature_size: Length D of the feature.
        seed: Seed of the initial weights.
        shape: Shape of the images.

    Returns:
        Model from float32 [N, H, W, C] in [-1, 1] to (features float32 [N, D], logits float32 [N, C]). The feature is
        the hidden layer before its activation: nothing is cut off, and it is nearer to the Gaussian of the Fréchet distance.
    """

    def initializer(layer: int, gain: float = 2.0) -> keras.initializers.Initializer:
        return keras.initializers.VarianceScaling(gain, "fan_in", "truncated_normal", seed=seed * 100 + layer)

    layers = convolutions(shape.height)
    image = keras.Input(shape, dtype="float32")
    hidden = image
    for layer, (filters, kernel, padding) in enumerate(layers):
        hidden = keras.layers.Conv2D(
            filters, kernel, 2, padding, activation="relu", kernel_initializer=initializer(layer), dtype="float32"
        )(hidden)
    features = keras.layers.Dense(feature_size, kernel_initializer=initializer(len(layers)), name="features", dtype="float32")(
        keras.layers.Flatten()(hidden)
    )
    logits = keras.layers.Dense(classes, kernel_initializer=initializer(len(layers) + 1, 1.0), name="logits", dtype="float32")(
        keras.layers.Activation("relu", dtype="float32")(features)
    )
    return keras.Model(image, (features, logits), name="judge")


class JudgeModule(tf.Module):
    """Both judges' networks behind their exported signatures: bytes of pixels in, features out."""

    def __init__(self, network: keras.Model, encoder: keras.Model | None) -> None:
        """Wrap a network of `build_network` and one of `components.judge.autoencoder`, without which `second` can't be called."""
        super().__init__(name="judge")
        self.network, self.encoder = network, encoder
        image = tf.TensorSpec(network.input_shape, tf.uint8, name="image")
        self.judge = tf.function(self._judge, input_signature=[image])
        self.second = tf.function(self._second, input_signature=[image])

    def _judge(self, image: tf.Tensor) -> dict[str, tf.Tensor]:
        """Look at images.

        Args:
            image: uint8 [N, H, W, C].

        Returns:
            `features` float32 [N, D] and `probabilities` float32 [N, C].
        """
        features, logits = self.network(scale(image), training=False)
        return {"features": features, "probabilities": tf.nn.softmax(logits)}

    def _second(self, image: tf.Tensor) -> dict[str, tf.Tensor]:
        """Look at images uint8 [N, H, W, C] through the second judge: `features` float32 [N, E].

        Raises:
            ValueError: There is no second judge.
        """
        if self.encoder is None:
            raise ValueError("this judge was made without a second one")
        return {"features": self.encoder(scale(image), training=False)[0]}
