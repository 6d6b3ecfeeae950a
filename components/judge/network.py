"""The judge's network: a small strided CNN whose last hidden layer is the feature."""

from __future__ import annotations

import keras
import tensorflow as tf

from components.transform.pixels import scale
from serving.repository.contract import IMAGE_SHAPE

# (filters, kernel, padding) of the strided convolutions: 28 -> 14 -> 7 -> 3 pixels, about 1 M multiply-adds an image.
_CONVOLUTIONS = ((24, 5, "same"), (48, 3, "same"), (96, 3, "valid"))


def build_network(classes: int, feature_size: int, seed: int) -> keras.Model:
    """Build the untrained network.

    Args:
        classes: Number of classes C.
        feature_size: Length D of the feature.
        seed: Seed of the initial weights.

    Returns:
        Model from float32 [N, 28, 28, 1] in [-1, 1] to (features float32 [N, D], logits float32 [N, C]). The feature is
        the hidden layer before its activation: nothing is cut off, and it is nearer to the Gaussian of the Fréchet distance.
    """

    def initializer(layer: int, gain: float = 2.0) -> keras.initializers.Initializer:
        return keras.initializers.VarianceScaling(gain, "fan_in", "truncated_normal", seed=seed * 100 + layer)

    image = keras.Input(IMAGE_SHAPE, dtype="float32")
    hidden = image
    for layer, (filters, kernel, padding) in enumerate(_CONVOLUTIONS):
        hidden = keras.layers.Conv2D(
            filters, kernel, 2, padding, activation="relu", kernel_initializer=initializer(layer), dtype="float32"
        )(hidden)
    features = keras.layers.Dense(
        feature_size, kernel_initializer=initializer(len(_CONVOLUTIONS)), name="features", dtype="float32"
    )(keras.layers.Flatten()(hidden))
    logits = keras.layers.Dense(
        classes, kernel_initializer=initializer(len(_CONVOLUTIONS) + 1, 1.0), name="logits", dtype="float32"
    )(keras.layers.Activation("relu", dtype="float32")(features))
    return keras.Model(image, (features, logits), name="judge")


class JudgeModule(tf.Module):
    """Both judges' networks behind their exported signatures: bytes of pixels in, features out."""

    def __init__(self, network: keras.Model, encoder: keras.Model | None) -> None:
        """Wrap a network of `build_network` and one of `components.judge.autoencoder`, without which `second` can't be called."""
        super().__init__(name="judge")
        self.network, self.encoder = network, encoder

    @tf.function(input_signature=[tf.TensorSpec([None, *IMAGE_SHAPE], tf.uint8, name="image")])
    def judge(self, image: tf.Tensor) -> dict[str, tf.Tensor]:
        """Look at images.

        Args:
            image: uint8 [N, 28, 28, 1].

        Returns:
            `features` float32 [N, D] and `probabilities` float32 [N, C].
        """
        features, logits = self.network(scale(image), training=False)
        return {"features": features, "probabilities": tf.nn.softmax(logits)}

    @tf.function(input_signature=[tf.TensorSpec([None, *IMAGE_SHAPE], tf.uint8, name="image")])
    def second(self, image: tf.Tensor) -> dict[str, tf.Tensor]:
        """Look at images uint8 [N, 28, 28, 1] through the second judge: `features` float32 [N, E].

        Raises:
            ValueError: There is no second judge.
        """
        if self.encoder is None:
            raise ValueError("this judge was made without a second one")
        return {"features": self.encoder(scale(image), training=False)[0]}
