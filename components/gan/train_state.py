"""The train state: both networks, the EMA generator, the optimisers, and the step that their schedules follow."""

from __future__ import annotations

import math
from typing import NamedTuple, Protocol

import keras
import tensorflow as tf

from components.gan.adam import Adam
from components.gan.settings import GanSettings
from components.shape import ImageShape

_HELD_MEMORIES = 2.0  # of the average, that fit into the steps since the rate stays


class StepResult(NamedTuple):
    """What one training step reports; float32 scalars but for the images."""

    d_loss: tf.Tensor
    g_loss: tf.Tensor
    d_accuracy: tf.Tensor  # share of real and generated images that the discriminator judges right
    d_grad_norm: tf.Tensor
    g_grad_norm: tf.Tensor
    fake: tf.Tensor  # generated images, float32 [N, H, W, C]


class Recipe(Protocol):
    """What a module of `components.gan.recipes` offers.

    Attributes:
        CONDITIONAL: Whether a label chooses the class of an image.
        CYCLE: Steps that belong together, because only the first of them carries the penalties.
        ROWS: Rows of a batch that do for the same reason: replicas that share one get whole groups of them.
    """

    CONDITIONAL: bool
    CYCLE: int
    ROWS: int

    def build_generator(self, settings: GanSettings, num_classes: int, shape: ImageShape, policy: str) -> keras.Model:
        """Build (latent float32 [N, Z], label int64 [N]) -> image [N, H, W, C] in [-1, 1], under a Keras dtype policy."""
        ...

    def build_discriminator(self, settings: GanSettings, num_classes: int, shape: ImageShape, policy: str) -> keras.Model:
        """Build (image float32 [N, H, W, C], label int64 [N]) -> logit float32 [N], under a Keras dtype policy."""
        ...

    def draw_latents(self, seed: tf.Tensor, size: int) -> tf.Tensor:
        """Draw float32 [N, size] latents for int64 [N] seeds."""
        ...

    def train_step(self, state: TrainState, real: tf.Tensor, label: tf.Tensor, seeds: tf.Tensor, penalise: bool) -> StepResult:
        """Update both networks, inside a replica.

        Args:
            state: Both networks and their optimisers; updated in place.
            real: This replica's real images, float32 [N, H, W, C] in [-1, 1].
            label: int64 [N], the classes of the real and of the generated images.
            seeds: int64 [N], the generated images' seeds.
            penalise: Whether this step carries the penalties of its cycle.
        """
        ...


class TrainState:
    """Generator, discriminator, their optimisers, the EMA generator and the step counter."""

    def __init__(self, recipe: Recipe, settings: GanSettings, num_classes: int, shape: ImageShape, policy: str) -> None:
        """Build both networks from their seeds, inside the scope of the strategy that trains them.

        Args:
            recipe: `components.gan.recipes.conv` or `components.gan.recipes.article`.
            settings: The knobs.
            num_classes: Classes of the dataset.
            shape: Shape of the images.
            policy: Keras dtype policy of the training, "float32" or "mixed_bfloat16".
        """
        self.recipe, self.settings, self.num_classes, self.shape = recipe, settings, num_classes, shape
        self.generator = recipe.build_generator(settings, num_classes, shape, policy)
        self.discriminator = recipe.build_discriminator(settings, num_classes, shape, policy)
        # The exported generator: an exponential moving average of the trained one where asked for. In float64, because a float32
        # kernel rounds differently with the batch's size, and a row's pixels must not depend on the batch it travels in.
        self.ema_generator = recipe.build_generator(settings, num_classes, shape, "float64")
        self.ema_generator.set_weights(self.generator.get_weights())
        self.step = tf.Variable(0, dtype=tf.int64, trainable=False, name="step")
        self._g_adam = Adam(self.generator, settings.beta_1, settings.beta_2)
        self._d_adam = Adam(self.discriminator, settings.beta_1, settings.beta_2)

    @property
    def average(self) -> keras.Model:
        """The network that a training is for: the EMA generator, or the trained one itself where `ema_decay` is 0."""
        return self.ema_generator if self.settings.ema_decay else self.generator

    def cosine_decay(self, start: float, end: float) -> tf.Tensor:
        """Return the value at this step, a float32 scalar, of half a cosine from start to end (Loshchilov & Hutter 2017)."""
        return end + (start - end) * 0.5 * (1.0 + tf.cos(math.pi * self._progress()))

    def apply_discriminator_gradients(self, gradients: list[tf.Tensor], min_rate: float = 0.0) -> tf.Tensor:
        """Apply one Adam step inside a replica; returns the norm of the gradients, averaged over all replicas.

        Args:
            gradients: One for each trainable variable.
            min_rate: What the discriminator's rate, a multiple of the generator's, does not fall below.
        """
        rate = tf.maximum(self.settings.rate_ratio * self.learning_rate(), min_rate)
        return self._d_adam.apply(gradients, rate, self.step)

    def apply_generator_gradients(self, gradients: list[tf.Tensor]) -> tf.Tensor:
        """Apply one Adam step inside a replica and move the EMA generator; returns the norm of the averaged gradients."""
        norm = self._g_adam.apply(gradients, self.learning_rate(), self.step)
        decay = self.ema_decay()
        for mean, value in zip(self.ema_generator.trainable_variables, self.generator.trainable_variables, strict=True):
            change = (1.0 - decay) * (mean.value - tf.cast(value.value, tf.float64))
            tf.raw_ops.AssignSubVariableOp(resource=mean.value.handle, value=change)  # the replica's own copy, as in Adam
        return norm

    def ema_decay(self) -> tf.Tensor:
        """Return the decay of the EMA generator at the current step, a float64 scalar.

        Its memory is short at first, so that it leaves the random start behind (as in tf.train.ExponentialMovingAverage). Once
        the rate stays, it grows with the steps since then, because the weights only wander (Izmailov et al. 2018, SWA; the power
        function of Karras et al. 2024).
        """
        settings, step = self.settings, tf.cast(self.step, tf.float64)
        decay = tf.minimum(tf.constant(settings.ema_decay, tf.float64), (1.0 + step) / (10.0 + step))
        held = tf.maximum(step - self._decay_steps, 0.0)
        return tf.maximum(decay, held / (held + _HELD_MEMORIES)) if settings.ema_decay else decay

    def learning_rate(self) -> tf.Tensor:
        """Return the generator's rate at the current step, a float32 scalar: exponential decay, by the same factor every step.

        Where it is low it gives recall, where it is high it gives a fast start: so it leaves the high ones sooner than a cosine.
        After `decay_steps` it stays: a long training of digits gains more at a low rate than by a slower decay (docs/trials.md).
        """
        start, end = self.settings.learning_rate, self.settings.final_learning_rate
        return start * tf.pow(end / start, self._progress())

    def _progress(self) -> tf.Tensor:
        """Return how far the schedules are, 0..1."""
        return tf.minimum(tf.cast(self.step, tf.float32) / self._decay_steps, 1.0)

    @property
    def _decay_steps(self) -> float:
        return float(self.settings.decay_steps or self.settings.steps)

    def checkpoint(self) -> tf.train.Checkpoint:
        """Return all state that training changes, as one checkpoint object."""
        weights = {"generator": self.generator, "discriminator": self.discriminator, "ema_generator": self.ema_generator}
        moments = {"generator_adam": self._g_adam.variables, "discriminator_adam": self._d_adam.variables}
        return tf.train.Checkpoint(
            step=self.step, **{name: [v.value for v in network.variables] for name, network in weights.items()}, **moments
        )
