"""The sample grid: what the average draws from the same latents at every step."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from components.gan.latents import step_seeds
from components.gan.train_state import TrainState
from components.transform.pixels import quantise

_ROWS = 100  # of a grid, as far as they can be shared among the classes
_STREAM = 1  # this use of the training's seed


def fixed_samples(state: TrainState, network: keras.Model) -> np.ndarray:
    """Draw uint8 [N, H, W, C] with one of the state's generators, a row of latents for each of `grid_labels`."""
    labels = grid_labels(state.num_classes)  # the article's generator looks at none
    rows = tf.range(len(labels), dtype=tf.int64)
    seeds = step_seeds(state.settings.seed, tf.constant(0, tf.int64), rows, _STREAM)
    latents = state.recipe.draw_latents(seeds, state.settings.latent_size)
    return quantise(network([latents, tf.constant(labels)], training=False)).numpy()


def grid_labels(num_classes: int) -> np.ndarray:
    """Return int64 [N], the classes of a sample grid in order: each equally often, and at least once."""
    return np.repeat(np.arange(num_classes), max(_ROWS // num_classes, 1))
