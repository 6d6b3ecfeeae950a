"""The `conv` recipe: class-conditional convolutional networks without normalisation layers.

Non-saturating loss (Goodfellow et al. 2014), zero-centred gradient penalties on real and on generated images (Mescheder et al.
2018, both kinds as in R3GAN, Huang et al. 2024), class projection (Miyato & Koyama 2018).
"""

from __future__ import annotations

import keras
import tensorflow as tf

from components.gan.latents import normal_latents
from components.gan.settings import PENALTY_EVERY, GanSettings
from components.gan.train_state import Game, Turn, accuracy, image_dtype
from serving.repository.contract import IMAGE_SHAPE

CONDITIONAL = True
CYCLE = PENALTY_EVERY
draw_latents = normal_latents
_SLOPE = 0.2
_UPSCALE_GAIN = 0.5
_BLOCK = 2  # side of the blocks of pixels that the image's own layers work on
_PIXELS_A_BLOCK = _BLOCK * _BLOCK
# One in this many rows carries the penalties: rows are drawn at random, so the mean is the same and the time is halved.
_PENALTY_ROWS = 2
# exp(15) is far beyond any healthy logit; it keeps a lost game from overflowing before it is reported.
_MAX_EXPONENT = 15.0


def build_generator(settings: GanSettings, num_classes: int, policy: str) -> keras.Model:
    """Build (latent float32 [N, Z], label int64 [N]) -> image [N, 28, 28, 1] in [-1, 1]."""
    width = settings.width
    make = _Layers(policy, settings.seed)
    side = IMAGE_SHAPE[0] // 4
    latent = keras.Input([settings.latent_size], dtype="float32", name="latent")
    label = keras.Input([], dtype="int64", name="label")
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
    make = _Layers(policy, settings.seed + 1)
    image = keras.Input(IMAGE_SHAPE, dtype="float32", name="image")
    label = keras.Input([], dtype="int64", name="label")
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


class _Layers:
    """Makes the layers of one network with a common dtype policy and seeded initialisers."""

    def __init__(self, policy: str, seed: int):
        self._policy = policy
        self._seed = seed * 1000

    def _initializer(self, scale: float = 2.0) -> keras.initializers.Initializer:
        self._seed += 1
        return keras.initializers.VarianceScaling(scale, mode="fan_in", seed=self._seed)

    def dense(self, units: int, policy: str | None = None) -> keras.layers.Layer:
        return keras.layers.Dense(units, kernel_initializer=self._initializer(), dtype=policy or self._policy)

    def class_code(self, label: keras.KerasTensor, count: int, size: int) -> keras.KerasTensor:
        """Look a class's vector up, as large as a latent; a matrix product, because sparse gradients are slower here."""
        self._seed += 1
        dtype = image_dtype(self._policy)
        one_hot = keras.layers.CategoryEncoding(count, output_mode="one_hot", dtype=dtype)(label)
        initializer = keras.initializers.RandomNormal(0.0, 1.0, seed=self._seed)
        return keras.layers.Dense(size, use_bias=False, kernel_initializer=initializer, dtype=dtype)(one_hot)

    def activation(self) -> keras.layers.Layer:
        return keras.layers.LeakyReLU(_SLOPE, dtype=self._policy)

    def downscale(self, channels: int) -> keras.layers.Layer:
        return keras.layers.Conv2D(
            channels, 4, strides=2, padding="same", kernel_initializer=self._initializer(), dtype=self._policy
        )

    def upscale(self, channels: int) -> keras.layers.Layer:
        return keras.layers.Conv2DTranspose(
            channels, 4, strides=2, padding="same", kernel_initializer=self._initializer(_UPSCALE_GAIN), dtype=self._policy
        )

    def from_image(self, image: keras.KerasTensor, channels: int) -> keras.KerasTensor:
        """Halve an image's sides as `downscale` does: the same sums, over 2x2 pixels at a time.

        A 4x4 convolution of stride 2 is a 2x2 one of stride 1 over blocks of 2x2 pixels; the gradient of the image is 3 times as
        fast that way, because kernels for a single channel are poor (measured).
        """
        blocks = _ToBlocks(dtype=self._policy)(keras.layers.ZeroPadding2D(1, dtype=self._policy)(image))
        return keras.layers.Conv2D(channels, 2, kernel_initializer=self._initializer(), dtype=self._policy)(blocks)

    def to_image(self, x: keras.KerasTensor) -> keras.KerasTensor:
        """Double the sides as `upscale` does, to an image's channels; 2x2 pixels at a time for the reason of `from_image`."""
        padded = keras.layers.ZeroPadding2D(1, dtype=self._policy)(x)
        initializer = self._initializer(_UPSCALE_GAIN * _PIXELS_A_BLOCK)
        blocks = keras.layers.Conv2D(_PIXELS_A_BLOCK * IMAGE_SHAPE[2], 2, kernel_initializer=initializer, dtype=self._policy)(
            padded
        )
        return keras.layers.Cropping2D(1, dtype=self._policy)(_FromBlocks(dtype=self._policy)(blocks))

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


def take_turn(game: Game, real: tf.Tensor, label: tf.Tensor, seeds: tf.Tensor, penalise: bool) -> Turn:
    """Update both players at once from one shared forward and backward pass of the discriminator.

    Row by row the generator's gradient with respect to an image is the discriminator's times the exchange of `losses`,
    exactly, because no layer mixes rows. This saves a pass of each network.

    Args:
        game: The two players.
        real: float32 [N, 28, 28, 1] in [-1, 1].
        label: int64 [N], the classes of the real images and, row by row, of the generated ones.
        seeds: int64 [N], the generated images' seeds.
        penalise: Whether this step carries the gradient penalties (of a whole cycle).
    """
    settings = game.settings
    latent = draw_latents(seeds, settings.latent_size)
    labels = tf.concat([label, label], axis=0)
    with tf.GradientTape() as generator_tape:
        fake = game.generator([latent, label], training=True)
    images = tf.concat([real, fake], axis=0)
    with tf.GradientTape() as tape:
        tape.watch(images)
        real_logit, fake_logit = tf.split(game.discriminator([images, labels], training=True), 2)
        d_loss, g_loss, exchange = losses(real_logit, fake_logit)
        total = d_loss
        if penalise:
            gamma = game.decayed(settings.gamma, settings.final_gamma)
            # Every n-th row, so that it is the same rows however many replicas share the batch.
            penalised = tf.stop_gradient(tf.concat([real[::_PENALTY_ROWS], fake[::_PENALTY_ROWS]], axis=0))
            classes = tf.concat([label[::_PENALTY_ROWS], label[::_PENALTY_ROWS]], axis=0)
            # The mean over both kinds counts each by half, hence the 2 for R1 + R2.
            total += 2.0 * CYCLE * gradient_penalty(game.discriminator, penalised, classes, gamma)
    *d_gradients, image_gradient = tape.gradient(total, [*game.discriminator.trainable_variables, images])
    upstream = image_gradient[real.shape[0] :] * exchange[:, None, None, None]
    g_gradients = generator_tape.gradient(fake, game.generator.trainable_variables, output_gradients=upstream)
    d_norm, g_norm = game.improve_discriminator(d_gradients), game.improve_generator(g_gradients)
    return Turn(d_loss, g_loss, accuracy(real_logit, fake_logit), d_norm, g_norm, fake)


def losses(real_logit: tf.Tensor, fake_logit: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Return the discriminator's and the generator's non-saturating loss (Goodfellow et al. 2014, section 3), and their exchange.

    A generated image with f = D(G(z)) adds softplus(f) to the one and softplus(-f) to the other: slopes that differ by -exp(-f).
    R3GAN's relativistic pairing, softplus(-(D(x) - D(G(z)))), was worse in every figure (docs/training.md).

    Args:
        real_logit: D(x), float32 [N].
        fake_logit: D(G(z)), float32 [N].

    Returns:
        Both losses, float32 scalars, and float32 [N]: the slope of a row's generator loss over that of its discriminator loss.
    """
    d_loss = tf.reduce_mean(tf.nn.softplus(-real_logit) + tf.nn.softplus(fake_logit))
    exchange = -tf.exp(-tf.clip_by_value(fake_logit, -_MAX_EXPONENT, _MAX_EXPONENT))
    return d_loss, tf.reduce_mean(tf.nn.softplus(-fake_logit)), exchange


def gradient_penalty(discriminator: keras.Model, images: tf.Tensor, labels: tf.Tensor, gamma: tf.Tensor) -> tf.Tensor:
    """Return gamma / 2 * E[||dD/dx||^2] (Mescheder et al. 2018, eq. 9), a float32 scalar.

    R1 on real images, R2 on generated ones; given both in one batch, it is the mean over both kinds, so R1 + R2 is twice it.
    """
    with tf.GradientTape() as tape:
        tape.watch(images)
        logit = tf.reduce_sum(discriminator([images, labels], training=True))
    gradient = tape.gradient(logit, images)
    return 0.5 * gamma * tf.reduce_mean(tf.reduce_sum(tf.square(gradient), axis=[1, 2, 3]))
