"""The two players and everything of theirs that training changes."""

from __future__ import annotations

import math
from types import ModuleType
from typing import NamedTuple

import tensorflow as tf

from components.gan.adam import Adam
from components.gan.settings import GanSettings


class Turn(NamedTuple):
    """What one step says about the game; float32 scalars but for the images."""

    d_loss: tf.Tensor
    g_loss: tf.Tensor
    d_accuracy: tf.Tensor  # see `accuracy`
    d_grad_norm: tf.Tensor
    g_grad_norm: tf.Tensor
    fake: tf.Tensor  # generated images, float32 [N, 28, 28, 1]


def image_dtype(policy: str) -> str:
    """Return the dtype of generated images: float32 even where bfloat16 trains, whose 8 bits are as coarse as the pixels."""
    return "float64" if policy == "float64" else "float32"


def accuracy(real_logit: tf.Tensor, fake_logit: tf.Tensor) -> tf.Tensor:
    """Return the share of images, 0..1, that a discriminator with these logits, float32 [N] each, judges right."""
    return tf.reduce_mean(tf.cast(tf.concat([real_logit > 0, fake_logit <= 0], axis=0), tf.float32))


class Game:
    """Generator, discriminator, their optimisers, the averaged generator and the step counter."""

    def __init__(self, recipe: ModuleType, settings: GanSettings, num_classes: int, policy: str) -> None:
        """Build both networks from their seeds, inside the scope of the strategy that trains them.

        Args:
            recipe: `components.gan.recipes.conv` or `components.gan.recipes.article`.
            settings: The knobs.
            num_classes: Classes of the dataset.
            policy: Keras dtype policy of the training, "float32" or "mixed_bfloat16".
        """
        self.recipe, self.settings, self.num_classes = recipe, settings, num_classes
        self.generator = recipe.build_generator(settings, num_classes, policy)
        self.discriminator = recipe.build_discriminator(settings, num_classes, policy)
        # The exported generator: an exponential moving average of the trained one where asked for. In float64, because a float32
        # kernel rounds differently with the batch's size, and a row's pixels must not depend on the batch it travels in.
        self.average = recipe.build_generator(settings, num_classes, "float64")
        self.average.set_weights(self.generator.get_weights())
        self.step = tf.Variable(0, dtype=tf.int64, trainable=False, name="step")
        self._g_adam = Adam(self.generator, settings.beta_1, settings.beta_2)
        self._d_adam = Adam(self.discriminator, settings.beta_1, settings.beta_2)

    def decayed(self, start: float, end: float) -> tf.Tensor:
        """Return the float32 value of a cosine schedule at the current step."""
        return end + (start - end) * 0.5 * (1.0 + tf.cos(math.pi * self._progress()))

    def improve_discriminator(self, gradients: list[tf.Tensor]) -> tf.Tensor:
        """Apply one Adam step inside a replica; returns the norm of the gradients, averaged over all replicas."""
        return self._d_adam.apply(gradients, self.learning_rate(), self.step)

    def improve_generator(self, gradients: list[tf.Tensor]) -> tf.Tensor:
        """Apply one Adam step inside a replica and move the average; returns the norm of the averaged gradients."""
        norm = self._g_adam.apply(gradients, self.learning_rate(), self.step)
        step = tf.cast(self.step, tf.float64)
        # A short memory at first, so that the average leaves the random start behind (as in tf.train.ExponentialMovingAverage).
        decay = tf.minimum(tf.constant(self.settings.ema_decay, tf.float64), (1.0 + step) / (10.0 + step))
        for mean, value in zip(self.average.trainable_variables, self.generator.trainable_variables, strict=True):
            change = (1.0 - decay) * (mean.value - tf.cast(value.value, tf.float64))
            tf.raw_ops.AssignSubVariableOp(resource=mean.value.handle, value=change)  # the replica's own copy, as in Adam
        return norm

    def learning_rate(self) -> tf.Tensor:
        """Return the float32 rate at the current step, which falls by the same factor every step.

        Where it is low it gives recall, where it is high it gives a fast start: so it leaves the high ones sooner than a cosine.
        """
        start, end = self.settings.learning_rate, self.settings.final_learning_rate
        return start * tf.pow(end / start, self._progress())

    def _progress(self) -> tf.Tensor:
        return tf.cast(self.step, tf.float32) / float(self.settings.steps)

    def checkpoint(self) -> tf.train.Checkpoint:
        """Return all state that training changes, as one checkpoint object."""
        weights = {"generator": self.generator, "discriminator": self.discriminator, "average": self.average}
        moments = {"generator_adam": self._g_adam.variables, "discriminator_adam": self._d_adam.variables}
        return tf.train.Checkpoint(
            step=self.step, **{name: [v.value for v in network.variables] for name, network in weights.items()}, **moments
        )
