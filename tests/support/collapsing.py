"""The `forger` command with a training that goes wrong after two thirds: python -m tests.support.collapsing FACTOR ARGUMENTS.

The rates of both networks are multiplied by FACTOR from then on: a large one makes the generator collapse, `nan` breaks the
numbers.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from pipeline.environment import prepare_tensorflow

prepare_tensorflow(quiet=True)

import tensorflow as tf  # noqa: E402

from components.gan.train_state import TrainState  # noqa: E402


@contextmanager
def collapsing(factor: float) -> Iterator[None]:
    """Multiply all trainings' rates after two thirds of their steps."""
    usual = TrainState.learning_rate

    def learning_rate(self: TrainState) -> tf.Tensor:
        late = 3 * self.step >= 2 * self.settings.steps
        return usual(self) * tf.where(late, tf.constant(factor, tf.float32), tf.constant(1.0))

    TrainState.learning_rate = learning_rate
    try:
        yield
    finally:
        TrainState.learning_rate = usual


if __name__ == "__main__":
    from pipeline.cli import main

    with collapsing(float(sys.argv.pop(1))):
        main()
