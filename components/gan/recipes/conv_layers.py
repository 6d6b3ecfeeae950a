"""The layers that the `conv` recipe's networks are made of."""

from __future__ import annotations

import keras
import tensorflow as tf

from components.gan.recipes.colour import COLOURS, FromDifferences, SmoothBlocks
from components.gan.recipes.inputs import image_dtype

_SLOPE = 0.2
# Variance of the generator's kernels, times their fan-in. With two levels of a grey image each upscaling makes the signal a third
# as strong; after a third level nothing would be left, so there, and for colour, it stays as strong as it is.
_FADING_UPSCALE, _FADING_IMAGE = 0.5, 2.0
_STEADY_UPSCALE, _STEADY_IMAGE = 4.0, 0.06
_COLOUR_IMAGE = 1.0
_BLOCK = 2  # side of the blocks of pixels that the image's own layers work on
_PIXELS_A_BLOCK = _BLOCK * _BLOCK


class Layers:
    """Makes the layers of one network with a common dtype policy and seeded initialisers."""

    def __init__(self, policy: str, seed: int, *, steady: bool = False) -> None:
        """Start a network; each layer takes the next of the seeds that follow from its one.

        Args:
            policy: Keras dtype policy.
            seed: Of its initial weights.
            steady: Whether a generator's signal stays as strong from level to level at first.
        """
        self._policy = policy
        self._seed = seed * 1000
        self._steady = steady

    def _initializer(self, scale: float = 2.0) -> keras.initializers.Initializer:
        self._seed += 1
        return keras.initializers.VarianceScaling(scale, mode="fan_in", seed=self._seed)

    def dense(self, units: int, policy: str | None = None) -> keras.layers.Layer:
        """Make a dense layer, float [N, F] -> [N, units], of the network's policy or of another."""
        return keras.layers.Dense(units, kernel_initializer=self._initializer(), dtype=policy or self._policy)

    def class_code(self, label: keras.KerasTensor, count: int, size: int) -> keras.KerasTensor:
        """Look a class's vector up, as large as a latent; a matrix product, because sparse gradients are slower here."""
        self._seed += 1
        dtype = image_dtype(self._policy)
        one_hot = keras.layers.CategoryEncoding(count, output_mode="one_hot", dtype=dtype)(label)
        initializer = keras.initializers.RandomNormal(0.0, 1.0, seed=self._seed)
        return keras.layers.Dense(size, use_bias=False, kernel_initializer=initializer, dtype=dtype)(one_hot)

    def activation(self) -> keras.layers.Layer:
        """Make the one activation of both networks."""
        return keras.layers.LeakyReLU(_SLOPE, dtype=self._policy)

    def downscale(self, channels: int) -> keras.layers.Layer:
        """Make a strided convolution that halves the sides, rounded up: [N, H, W, C] -> [N, H/2, W/2, channels]."""
        return keras.layers.Conv2D(
            channels, 4, strides=2, padding="same", kernel_initializer=self._initializer(), dtype=self._policy
        )

    def upscale(self, x: keras.KerasTensor, channels: int, side: int) -> keras.KerasTensor:
        """Double the sides by a transposed convolution, [N, H, H, C] -> [N, side, side, channels]; `side` is 2H or 2H - 1."""
        initializer = self._initializer(_STEADY_UPSCALE if self._steady else _FADING_UPSCALE)
        y = keras.layers.Conv2DTranspose(
            channels, 4, strides=2, padding="same", kernel_initializer=initializer, dtype=self._policy
        )(x)
        surplus = y.shape[1] - side
        return keras.layers.Cropping2D(((0, surplus), (0, surplus)), dtype=self._policy)(y) if surplus else y

    def from_image(self, image: keras.KerasTensor, channels: int) -> keras.KerasTensor:
        """Halve an image's sides as `downscale` does: the same sums, over 2x2 pixels at a time.

        A 4x4 convolution of stride 2 is a 2x2 one of stride 1 over blocks of 2x2 pixels; the gradient of the image is 3 times as
        fast that way, because kernels for a single channel are poor (measured).
        """
        blocks = _ToBlocks(dtype=self._policy)(keras.layers.ZeroPadding2D(1, dtype=self._policy)(image))
        return keras.layers.Conv2D(channels, 2, kernel_initializer=self._initializer(), dtype=self._policy)(blocks)

    def to_image(self, x: keras.KerasTensor, channels: int) -> keras.KerasTensor:
        """Double the sides as `upscale` does, to an image's channels; 2x2 pixels at a time for the reason of `from_image`."""
        padded = keras.layers.ZeroPadding2D(1, dtype=self._policy)(x)
        if channels == COLOURS:
            initializer = SmoothBlocks(self._initializer(_COLOUR_IMAGE))
        else:
            initializer = self._initializer(_STEADY_IMAGE if self._steady else _FADING_IMAGE)
        blocks = keras.layers.Conv2D(_PIXELS_A_BLOCK * channels, 2, kernel_initializer=initializer, dtype=self._policy)(padded)
        image = keras.layers.Cropping2D(1, dtype=self._policy)(_FromBlocks(dtype=self._policy)(blocks))
        return FromDifferences(dtype=self._policy)(image) if channels == COLOURS else image

    def scale(self, x: keras.KerasTensor, style: keras.KerasTensor) -> keras.KerasTensor:
        """Scale the channels of [N, H, W, C] by what [N, S] says, at first by 1 (modulation; Karras et al. 2019, StyleGAN)."""
        channels = x.shape[-1]
        by = keras.layers.Dense(channels, kernel_initializer="zeros", bias_initializer="ones", dtype=self._policy)(style)
        by = keras.layers.Reshape([1, 1, channels], dtype=self._policy)(by)
        return keras.layers.Multiply(dtype=self._policy)([x, by])

    def residual(self, x: keras.KerasTensor, channels: int) -> keras.KerasTensor:
        """Add a 3x3 convolution's output to its input; a small initial gain, in the spirit of fix-up initialisation."""
        y = keras.layers.Conv2D(channels, 3, padding="same", kernel_initializer=self._initializer(0.25), dtype=self._policy)(x)
        y = self.activation()(y)
        return keras.layers.Add(dtype=self._policy)([x, y])


class _ToBlocks(keras.layers.Layer):
    """[N, H, W, C] -> [N, H/2, W/2, 4C]."""

    def call(self, images: tf.Tensor) -> tf.Tensor:
        return tf.nn.space_to_depth(images, _BLOCK)


class _FromBlocks(keras.layers.Layer):
    """[N, H, W, 4C] -> [N, 2H, 2W, C]."""

    def call(self, blocks: tf.Tensor) -> tf.Tensor:
        return tf.nn.depth_to_space(blocks, _BLOCK)
