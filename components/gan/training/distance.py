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

IMAGES = 1500  # of each kind: repeated draws of 2,000 from one generator differ by 1 to 3 % (measured)
_STREAM = 3  # this use of the training's seed
_BATCH = 250
_SEED = 20_111  # of the features: the same for every training
_DIRECTIONS = 128
_LOW_CELLS, _CELLS = 8, 2  # a side, of the thumbnail and of each random layer's output
_FILTERS = (16, 32)
_SMALLEST_SIDE = 14  # a level whose image is smaller is left out
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
    """Real features seen along fixed random directions."""

    def __init__(self, real: list[np.ndarray]) -> None:
        """Sort the real features along each direction; its unit is their standard deviation there.

        Args:
            real: Groups of features, [N, F] each, which count alike however many features they have and however far these spread.
        """
        rng = np.random.default_rng(_SEED)
        self._means = [group.mean(0) for group in real]
        spreads = [np.sqrt(group.var(0).sum()) for group in real]
        directions = [
            rng.standard_normal((group.shape[1], _DIRECTIONS)) / max(spread, _TINY)
            for group, spread in zip(real, spreads, strict=True)
        ]
        self._directions = directions
        unit = np.maximum(self._project(real).std(0), _TINY)
        self._directions = [direction / unit for direction in directions]
        self._sorted = np.sort(self._project(real), axis=0)

    def distance(self, generated: list[np.ndarray]) -> float:
        """Return the sliced 2-Wasserstein distance (Rabin et al. 2011) to the features of as many generated images.

        Its unit is the real images' standard deviation along a direction. Not-a-number if a feature isn't finite.
        """
        if not all(np.isfinite(group).all() for group in generated):
            return float("nan")
        return float(np.sqrt(np.mean(np.square(np.sort(self._project(generated), axis=0) - self._sorted))))

    def _project(self, groups: list[np.ndarray]) -> np.ndarray:
        parts = zip(groups, self._means, self._directions, strict=True)
        return sum(((group - mean) @ directions for group, mean, directions in parts), np.zeros(1))


def random_features(shape: ImageShape) -> Callable[[tf.Tensor], list[tf.Tensor]]:
    """Return images float32 [N, H, W, C] -> groups of features [N, F]: a thumbnail, and random convolutions at each scale.

    Random filters tell textures apart nearly as trained ones do (Saxe et al. 2011), and cost a fraction of a training step.
    """
    rng = np.random.default_rng(_SEED)
    first = _filters(rng, 5, shape.channels, _FILTERS[0])
    second = _filters(rng, 3, *_FILTERS)

    def features(images: tf.Tensor) -> list[tf.Tensor]:
        found = [_pooled(images, _LOW_CELLS)]
        while min(images.shape[1:3]) >= _SMALLEST_SIDE:
            x = tf.nn.relu(tf.nn.conv2d(images, first, strides=2, padding="SAME"))
            x = tf.nn.relu(tf.nn.conv2d(x, second, strides=2, padding="SAME"))
            found.append(_pooled(x, _CELLS))
            images = tf.nn.avg_pool2d(images, 2, 2, padding="SAME")
        return found

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


def _in_batches(function: Callable[..., list[tf.Tensor]], *arrays: np.ndarray) -> list[np.ndarray]:
    batches = [
        function(*(tf.constant(array[first : first + _BATCH]) for array in arrays)) for first in range(0, len(arrays[0]), _BATCH)
    ]
    return [np.concatenate([part.numpy() for part in group]).astype(np.float64) for group in zip(*batches, strict=True)]
