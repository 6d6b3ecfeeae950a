"""How far generated images are from the train images, cheaply: what a training watches itself by.

It is the training's own figure. The gate's judges and the test split stay unseen, so the gate can still find fault with the
generator that this figure chose.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from components.gan.input.source import Source
from components.gan.latents import step_seeds
from components.gan.train_state import TrainState
from components.shape import ImageShape
from components.transform.pixels import scale

IMAGES = 2000  # of each kind: repeated draws from one generator then differ by 1 % (measured)
_STREAM = 3  # this use of the training's seed
_BATCH = 250
_SEED = 20_111  # of the features: the same for every training
_DIRECTIONS = 128
_LOW_CELLS, _CELLS = 8, 2  # a side, of the thumbnail and of each random layer's output
_FILTERS = (16, 32)
_SMALLEST_SIDE = 14  # a level whose image is smaller is left out
_LEAST_SPREAD = (
    0.1  # of the widest feature's: a pixel that is nearly always black says little, and must not count as much as others
)
_TINY = 1e-6  # keeps images that are all the same from a division by zero


class TrainDistance:
    """The sliced Wasserstein distance between generated and train images, in features that need no training."""

    def __init__(self, source: Source, state: TrainState) -> None:
        """Take a sample of the train images and measure its features.

        Args:
            source: The train images.
            state: Of the training whose generators are measured; it isn't changed.
        """
        settings, recipe = state.settings, state.recipe
        images, labels = source.sample(IMAGES, settings.seed)
        features = random_features(source.shape)
        # In float32: half the time of the average's own float64, and an image's last bit decides nothing here.
        self._network = recipe.build_generator(settings, state.num_classes, source.shape, "float32")
        # The real images' own classes, and the same latents each time: two looks differ by what was learned between them.
        seeds = step_seeds(settings.seed, tf.constant(0, tf.int64), tf.range(len(images), dtype=tf.int64), _STREAM)
        self._latents, self._labels = recipe.draw_latents(seeds, settings.latent_size).numpy(), labels
        pixels = tf.TensorSpec([None, *source.shape], tf.uint8)
        drawn = [tf.TensorSpec([None, settings.latent_size], tf.float32), tf.TensorSpec([None], tf.int64)]
        self._real = tf.function(lambda images: features(scale(images)), input_signature=[pixels])
        self._generated = tf.function(
            lambda latent, label: features(self._network([latent, label], training=False)), input_signature=drawn
        )
        self._slices = Slices(_in_batches(self._real, images))

    def __call__(self, weights: list[np.ndarray]) -> float:
        """Measure a generator's weights, in the order of `get_weights`: 0 for equal distributions; not-a-number if it broke."""
        self._network.set_weights(weights)
        return self._slices.distance(_in_batches(self._generated, self._latents, self._labels))


class Slices:
    """Real features, standardised, seen along fixed random directions."""

    def __init__(self, real: np.ndarray) -> None:
        """Sort the real features [N, F] along each direction; its unit is their standard deviation there."""
        rng = np.random.default_rng(_SEED)
        self._mean, spread = real.mean(0), real.std(0)
        directions = rng.standard_normal((real.shape[1], _DIRECTIONS))
        directions /= np.maximum(spread, max(_LEAST_SPREAD * spread.max(), _TINY))[:, None]
        projected = (real - self._mean) @ directions
        self._directions = directions / np.maximum(projected.std(0), _TINY)
        self._sorted = np.sort((real - self._mean) @ self._directions, axis=0)

    def distance(self, generated: np.ndarray) -> float:
        """Return the sliced 2-Wasserstein distance (Rabin et al. 2011) to as many generated features [N, F], float64.

        Its unit is the real images' standard deviation along a direction. Not-a-number if a feature isn't finite.
        """
        if not np.isfinite(generated).all():
            return float("nan")
        projected = np.sort((generated - self._mean) @ self._directions, axis=0)
        return float(np.sqrt(np.mean(np.square(projected - self._sorted))))


def random_features(shape: ImageShape) -> Callable[[tf.Tensor], tf.Tensor]:
    """Return images float32 [N, H, W, C] -> features float32 [N, F]: a thumbnail, and two random convolutions at each scale.

    Random filters tell textures apart nearly as trained ones do (Saxe et al. 2011), and cost a fraction of a training step.
    """
    rng = np.random.default_rng(_SEED)
    first = _filters(rng, 5, shape.channels, _FILTERS[0])
    second = _filters(rng, 3, *_FILTERS)

    def features(images: tf.Tensor) -> tf.Tensor:
        found = [_pooled(images, _LOW_CELLS)]
        while min(images.shape[1:3]) >= _SMALLEST_SIDE:
            x = tf.nn.relu(tf.nn.conv2d(images, first, strides=2, padding="SAME"))
            x = tf.nn.relu(tf.nn.conv2d(x, second, strides=2, padding="SAME"))
            found.append(_pooled(x, _CELLS))
            images = tf.nn.avg_pool2d(images, 2, 2, padding="SAME")
        return tf.concat(found, axis=1)

    return features


def _filters(rng: np.random.Generator, side: int, ins: int, outs: int) -> np.ndarray:
    return (rng.standard_normal((side, side, ins, outs)) / np.sqrt(side * side * ins)).astype(np.float32)


def _pooled(x: tf.Tensor, cells: int) -> tf.Tensor:
    """Average over a grid of cells: [N, H, W, C] -> [N, cells * cells * C]."""
    rows, columns = (_cells(side, cells) for side in x.shape[1:3])
    return tf.reshape(tf.einsum("nhwc,ih,jw->nijc", x, rows, columns), [-1, cells * cells * x.shape[3]])


def _cells(side: int, cells: int) -> np.ndarray:
    """Return float32 [cells, side], whose rows average over neighbouring places, as even as the side allows."""
    edges = np.linspace(0, side, cells + 1)
    places = np.arange(side)
    overlap = np.minimum(edges[1:, None], places + 1) - np.maximum(edges[:-1, None], places)
    weights = np.clip(overlap, 0, None)
    return (weights / weights.sum(1, keepdims=True)).astype(np.float32)


def _in_batches(function: Callable[..., tf.Tensor], *arrays: np.ndarray) -> np.ndarray:
    parts = [
        function(*(tf.constant(array[first : first + _BATCH]) for array in arrays)).numpy()
        for first in range(0, len(arrays[0]), _BATCH)
    ]
    return np.concatenate(parts).astype(np.float64)
