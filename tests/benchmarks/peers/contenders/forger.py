"""This project's recipes, by the loop that the pipeline runs."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from components.gan.input.source import InMemory
from components.gan.latents import step_seeds
from components.gan.recipes import RECIPES, conv
from components.gan.recipes.conv_networks import is_rich
from components.gan.settings import GanSettings
from components.gan.train_state import TrainState
from components.gan.training.devices import choose_strategy, dtype_policy
from components.gan.training.loop import compile_loop
from components.shape import ImageShape
from components.transform.pixels import quantise
from pipeline.config import resolve_config

_ROWS = 500  # images drawn at once
_CHUNK = 40  # steps between looks at the clock
_RATE_SECONDS = 10.0  # of training, from which the steps that fit into the budget follow


class Ours:
    """A training of `components.gan`, stopped by the clock."""

    def __init__(self, settings: GanSettings, images: np.ndarray, labels: np.ndarray) -> None:
        """Build and compile, which is not yet training."""
        self._settings, strategy = settings, choose_strategy()
        self.conditional = RECIPES[settings.recipe].CONDITIONAL
        shape, policy = ImageShape(*images.shape[1:]), dtype_policy(settings)
        with strategy.scope():
            self.state = TrainState(RECIPES[settings.recipe], settings, int(labels.max()) + 1, shape, policy)
        self._run = compile_loop(self.state, InMemory(images, labels), strategy)
        self._run(tf.constant(0, tf.int64))

    @property
    def images_seen(self) -> int:
        """Real images that were trained on."""
        return int(self.state.step.numpy()) * self._settings.batch_size

    def train(self, seconds: float) -> float:
        """Train until the time is over, or the schedule."""
        began = time.monotonic()
        while (passed := time.monotonic() - began) < seconds and (left := self._settings.steps - self._step()) > 0:
            self._run(tf.constant(min(_CHUNK, left), tf.int64)).numpy()
        return passed if left <= 0 else time.monotonic() - began

    def draw(self, labels: np.ndarray) -> np.ndarray:
        """Draw from the averaged generator, or from the trained one where the recipe has no average."""
        state = self.state
        network = state.ema_generator if self._settings.ema_decay else state.generator
        seeds = step_seeds(self._settings.seed, tf.constant(0, tf.int64), tf.range(len(labels), dtype=tf.int64), stream=9)
        parts = []
        for first in range(0, len(labels), _ROWS):
            rows = slice(first, first + _ROWS)
            latents = state.recipe.draw_latents(seeds[rows], self._settings.latent_size)
            parts.append(quantise(network([latents, tf.constant(labels[rows])], training=False)).numpy())
        return np.concatenate(parts)

    def _step(self) -> int:
        return int(self.state.step.numpy())


def make(images: np.ndarray, labels: np.ndarray, budget: float, seed: int, changes: Sequence[str]) -> Ours:
    """The `quick` profile's settings, with as many steps as the budget has time for, and schedules that fit them."""
    settings = resolve_config("quick", [*changes, f"gan.seed={seed}"]).gan
    trial = Ours(settings, images, labels)
    trial.train(1.0)  # the first steps are slower
    before = trial.images_seen
    seconds = trial.train(_RATE_SECONDS)
    steps_a_second = (trial.images_seen - before) / settings.batch_size / seconds
    steps = int(budget * steps_a_second) // conv.CYCLE * conv.CYCLE
    return Ours(planned(settings, steps, ImageShape(*images.shape[1:])), images, labels)


def planned(settings: GanSettings, steps: int, shape: ImageShape) -> GanSettings:
    """Plan another length of training, as docs/trials.md found it to help.

    The rate falls as fast as the profile's, to between an eighth and a fortieth. Digits keep to the profile's decay in a longer
    training, and stay at its end; for richer images that was hardly tried.
    """
    if steps > settings.steps and not is_rich(settings, shape):
        return settings.model_copy(update={"steps": steps, "decay_steps": settings.decay_steps or settings.steps})
    start = settings.learning_rate
    fallen = (settings.final_learning_rate / start) ** (steps / settings.steps)
    return settings.model_copy(update={"steps": steps, "final_learning_rate": start * min(max(fallen, 1 / 40), 1 / 8)})
