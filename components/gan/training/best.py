"""The best average of a training so far, so that one that collapses late is not lost.

From time to time the training looks at its average: how far is it from the train images? The average of the lowest distance is
kept beside the training's own state, in the same checkpoints. At the end the last average is exported, unless it is clearly worse
than the best.
"""

from __future__ import annotations

import functools
import math
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from components.gan.input.source import Source
from components.gan.settings import GanSettings
from components.gan.train_state import TrainState
from components.gan.training.distance import TrainDistance
from components.gan.training.outcome import End, Outcome
from components.progress import log_note

_LEAST_STEPS = 100  # between two looks: with fewer there is little to lose
# Times the best distance: above what noise does (docs/recipe.md has the figures).
_WORSE = 1.25
_LOST = 2.0  # so far from the best, a training needn't go on: for less, the falling rate may still mend it
_USEFUL = 0.5  # of the untrained generator's distance: what hasn't come that near has learned nothing worth keeping


class Look(NamedTuple):
    """One look at the average: the step, and its distance from the train images."""

    step: int
    distance: float


def look_steps(settings: GanSettings) -> list[int]:
    """List the steps at which a training looks at its average: the start, evenly spread ones, the end; none in a short one."""
    if not settings.looks:
        return []
    every = math.ceil(settings.steps / settings.looks / _LEAST_STEPS) * _LEAST_STEPS
    steps = [*range(0, settings.steps, every), settings.steps]
    return steps if len(steps) > 2 else []


class Best:
    """All distances measured so far, and the weights of the average with the lowest."""

    def __init__(self, state: TrainState, source: Source) -> None:
        """Make room for the weights of the state's average, as variables that a checkpoint holds.

        Args:
            state: Of the training.
            source: The train images.
        """
        self.state = state
        self._distance = functools.cache(lambda: TrainDistance(source, state))  # made when it is needed: not all workers look
        self.steps = look_steps(state.settings)
        self._distances = tf.Variable(np.full(len(self.steps), np.nan), dtype=tf.float64, trainable=False)
        self._weights = [tf.Variable(weight, trainable=False) for weight in state.average.get_weights() if self.steps]

    def checkpoint(self) -> tf.train.Checkpoint:
        """Return all of it as one checkpoint object."""
        return tf.train.Checkpoint(distances=self._distances, weights=self._weights)

    @property
    def looks(self) -> list[Look]:
        """The looks so far, oldest first, without that at the start."""
        known = zip(self.steps[1:], self._distances.numpy()[1:].tolist(), strict=True)
        return [Look(step, distance) for step, distance in known if math.isfinite(distance)]

    def look(self, step: int) -> float:
        """Measure the average at a step of `steps`, and keep it if none was nearer to the train images.

        Returns:
            Its distance; not-a-number if its images aren't finite.
        """
        looks, weights = self.looks, self.state.average.get_weights()
        distance = self._distance()(weights)
        if step and math.isfinite(distance):
            if not looks or distance < nearest(looks).distance:
                for kept, weight in zip(self._weights, weights, strict=True):
                    kept.assign(weight)
            elif looks[-1].distance <= _WORSE * nearest(looks).distance < distance:
                log_note(
                    f"warning at step {step}: clearly further from the train images ({distance:.3g}) than at step "
                    f"{nearest(looks).step} ({nearest(looks).distance:.3g}), which is kept"
                )
        self._distances.scatter_nd_update([[self.steps.index(step)]], [distance])
        return distance

    def verdict(self) -> End:
        """Say how the training ends here: "stopped" if all looks of the last `stop_after` of all steps found it lost."""
        looks, settings = self.looks, self.state.settings
        lost_for = looks[-1].step - last_within(_LOST, looks) if looks else 0
        lost = lost_for >= settings.stop_after * settings.steps and looks[-1].step < settings.steps
        return "stopped" if lost else "whole"

    def settle(self, reached: int, ended: End) -> Outcome | None:
        """Choose what is exported and put it into the state's EMA generator.

        Args:
            reached: Steps that the training took.
            ended: How it ended.

        Returns:
            The outcome; None where the numbers broke down before there was anything worth keeping.
        """
        state, looks = self.state, self.looks
        if ended == "broke down" and not self._is_useful(looks):
            return None
        if not looks:
            state.ema_generator.set_weights(state.average.get_weights())
            return Outcome(reached, reached, self.state.settings.steps, ended)
        if ended == "whole" and last_within(_WORSE, looks) == reached:
            chosen, weights = looks[-1], state.average.get_weights()
        else:
            chosen, weights = nearest(looks), [kept.numpy() for kept in self._weights]
        state.ema_generator.set_weights(weights)
        return Outcome(chosen.step, reached, self.state.settings.steps, ended, chosen.distance, looks[-1].distance)

    def _is_useful(self, looks: list[Look]) -> bool:
        return bool(looks) and nearest(looks).distance < _USEFUL * float(self._distances[0])


def nearest(looks: list[Look]) -> Look:
    """Return the first look with the lowest distance."""
    return min(looks, key=lambda look: look.distance)


def last_within(factor: float, looks: list[Look]) -> int:
    """Return the last step whose distance was at most so many times the lowest; there is one, the best itself."""
    limit = factor * nearest(looks).distance
    return max(look.step for look in looks if look.distance <= limit)
