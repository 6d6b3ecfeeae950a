"""The adversarial loop: many steps inside one compiled call, exact resume, a clear stop when the numbers break."""

from __future__ import annotations

import importlib
import math
import time
from pathlib import Path

import numpy as np
import tensorflow as tf

from components.errors import UserError
from components.gan.checkpoints import Checkpoints
from components.gan.devices import describe, dtype_policy
from components.gan.game import Game
from components.gan.journal import Journal
from components.gan.latents import step_seeds, uniform_labels
from components.gan.settings import GanSettings
from components.progress import note, report
from components.transform.pixels import quantise, scale

_LOG_EVERY = 100  # steps a compiled call: rare enough to cost nothing, often enough for a live progress bar
_SAMPLE_ROWS = 100
_FIGURES = ("d_loss", "g_loss", "d_accuracy", "d_grad_norm", "g_grad_norm", "diversity")


def train(images: np.ndarray, labels: np.ndarray, num_classes: int, settings: GanSettings, directory: Path) -> Game:
    """Train a GAN, or continue its training from the last checkpoint.

    Every draw is a function of the seed and the step, so a continued training ends with the weights of an uninterrupted one.

    Args:
        images: uint8 [N, 28, 28, 1].
        labels: int64 [N] in 0..num_classes-1.
        num_classes: Classes of the dataset.
        settings: The knobs.
        directory: Working directory: checkpoints, metrics.jsonl, TensorBoard events, sample grids.

    Returns:
        The trained game; `average` is the generator to export.

    Raises:
        UserError: There is no image, or a loss is no longer a finite number.
    """
    if len(images) == 0:
        raise UserError("there are no training images: check data.train_split")
    game = Game(importlib.import_module(f"components.gan.{settings.recipe}"), settings, num_classes, dtype_policy(settings))
    checkpoints = Checkpoints(game.checkpoint(), directory / "checkpoints")
    resumed = checkpoints.restore()
    start = int(game.step)
    note(f"training on {describe()} in {dtype_policy(settings)}" + (f", continued from step {start}" if resumed else ""))
    journal = Journal(directory, start)
    run = _compile(game, images, labels)
    began = time.monotonic()
    while (before := int(game.step)) < settings.steps:
        target = min(
            _next(before, every, settings.steps) for every in (_LOG_EVERY, settings.checkpoint_every, settings.sample_every)
        )
        figures = dict(zip(_FIGURES, run(tf.constant(target - before, tf.int64)).numpy().tolist(), strict=True))
        step = int(game.step)
        if not all(math.isfinite(value) for value in figures.values()):
            raise UserError(f"training broke down between steps {before} and {step} (a figure is not finite): "
                            "lower gan.learning_rate or raise gan.gamma")  # fmt: skip
        figures["images_per_second"] = (step - start) * settings.batch_size / (time.monotonic() - began)
        journal.log(step, figures)
        if step % settings.sample_every == 0 or step == settings.steps:
            journal.draw(step, _fixed_samples(game))
        if step % settings.checkpoint_every == 0 or step == settings.steps:
            checkpoints.save(step)
        report(
            "training the generator", step, settings.steps, "steps", d_loss=figures["d_loss"], d_accuracy=figures["d_accuracy"]
        )
    if settings.ema_decay == 0:
        game.average.set_weights(game.generator.get_weights())
    journal.close()
    return game


def _next(step: int, every: int, last: int) -> int:
    return min((step // every + 1) * every, last)


def _compile(game: Game, images: np.ndarray, labels: np.ndarray) -> tf.types.experimental.PolymorphicFunction:
    """Compile (number of steps) -> mean figures float32 [6]; the data stay in memory as uint8."""
    pixels, truth = tf.constant(images), tf.constant(labels, tf.int64)
    settings, recipe, count = game.settings, game.recipe, len(images)

    def take_one(penalise: bool) -> tf.Tensor:
        positions = game.step * settings.batch_size + tf.range(settings.batch_size, dtype=tf.int64)
        # One random pass over the data after the other; each position's image follows from the seed alone.
        seeds = tf.stack([tf.fill([settings.batch_size], tf.constant(settings.seed, tf.int64)), positions // count,
                          tf.zeros_like(positions)], axis=1)  # fmt: skip
        # The raw op, because the public wrapper takes one seed for all rows, and a batch may span two passes.
        chosen = tf.raw_ops.RandomIndexShuffle(
            index=positions % count, seed=seeds, max_index=tf.constant(count - 1, tf.int64), rounds=4
        )
        real = tf.ensure_shape(scale(tf.gather(pixels, chosen)), [settings.batch_size, *images.shape[1:]])
        turn = recipe.take_turn(game, real, tf.gather(truth, chosen), penalise)
        game.step.assign_add(1)
        diversity = tf.math.divide_no_nan(_spread(turn.fake), _spread(real))
        return tf.stack([*turn[:-1], diversity])

    @tf.function
    def run(steps: tf.Tensor) -> tf.Tensor:
        total = tf.zeros([len(_FIGURES)])
        for _ in tf.range(steps // recipe.CYCLE):
            for position in range(recipe.CYCLE):
                total += take_one(penalise=position == 0)
        return total / tf.cast(steps, tf.float32)

    return run


def _spread(images: tf.Tensor) -> tf.Tensor:
    """Mean over the pixels of their standard deviation over the batch: near 0 when all images are the same."""
    return tf.reduce_mean(tf.math.reduce_std(images, axis=0))


def _fixed_samples(game: Game) -> np.ndarray:
    """Draw uint8 [100, 28, 28, 1] from the averaged generator, the same latents at every step, classes in order."""
    seeds = step_seeds(game.settings.seed, tf.constant(0, tf.int64), _SAMPLE_ROWS, stream=1)
    rows_per_class = -(-_SAMPLE_ROWS // game.num_classes)
    labels = (
        tf.range(_SAMPLE_ROWS, dtype=tf.int64) // rows_per_class
        if game.recipe.CONDITIONAL
        else uniform_labels(seeds, game.num_classes)
    )
    network = game.average if game.settings.ema_decay else game.generator
    return quantise(network([game.recipe.draw_latents(seeds, game.settings.latent_size), labels], training=False)).numpy()
