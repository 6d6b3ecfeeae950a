"""What the kinds of generators are made of: a run's own generator, its latents and weights, and the train images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from components.gan.recipes import conv
from components.gan.settings import GanSettings
from components.shape import ImageShape
from components.transform.pixels import quantise
from serving.saved_model.generator import LocalGenerator

_AT_ONCE = 500  # images drawn in one call


@dataclass(frozen=True)
class Source:
    """One draw of the present generator, and ways to draw otherwise. All images are uint8 [N, H, W, C] of the classes `labels`.

    Attributes:
        images: The draw.
        latents: float32 [N, Z], what it was drawn from.
        labels: int64 [N].
        again: Draws from seeds int64 [N].
        from_latents: Draws from latents float32 [N, Z].
        reweighted: Draws from `latents` with changed weights, each by the function given.
        train: uint8 [M, H, W, C], train images.
        train_labels: int64 [M].
    """

    images: np.ndarray
    latents: np.ndarray
    labels: np.ndarray
    again: Callable[[np.ndarray], np.ndarray]
    from_latents: Callable[[np.ndarray], np.ndarray]
    reweighted: Callable[[Callable[[np.ndarray], np.ndarray]], np.ndarray]
    train: np.ndarray
    train_labels: np.ndarray

    @classmethod
    def of(
        cls, generator: LocalGenerator, seeds: np.ndarray, labels: np.ndarray, train: np.ndarray, train_labels: np.ndarray
    ) -> Source:
        """Draw from a run's generator, of the conv recipe."""
        settings = GanSettings(**generator.metadata["config"])
        shape = ImageShape(*generator.metadata["image_shape"])
        network = conv.build_generator(settings, len(generator.class_names), shape, "float64")
        reader = tf.train.load_checkpoint(str(generator.directory / "variables" / "variables"))
        weights = [reader.get_tensor(f"weights/{place}/.ATTRIBUTES/VARIABLE_VALUE") for place in range(len(network.variables))]
        latents = conv.draw_latents(tf.constant(seeds), settings.latent_size).numpy()

        @tf.function
        def run(latent: tf.Tensor, label: tf.Tensor) -> tf.Tensor:
            return quantise(network([latent, label], training=False))

        def from_latents(given: np.ndarray) -> np.ndarray:
            parts = [slice(start, start + _AT_ONCE) for start in range(0, len(given), _AT_ONCE)]
            return np.concatenate([run(tf.constant(given[rows]), tf.constant(labels[rows])).numpy() for rows in parts])

        def reweighted(change: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
            network.set_weights([change(weight) for weight in weights])
            images = from_latents(latents)
            network.set_weights(weights)
            return images

        network.set_weights(weights)
        return cls(
            images=from_latents(latents),
            latents=latents,
            labels=labels,
            again=lambda seeds: generator.sample(seeds, labels)[0],
            from_latents=from_latents,
            reweighted=reweighted,
            train=train,
            train_labels=train_labels,
        )

    def partners(self, rng: np.random.Generator, *, same: bool) -> np.ndarray:
        """Choose another image's place, int64 [N], for each: of its own class, or of another one."""
        found = np.empty(len(self.labels), np.int64)
        for label in np.unique(self.labels):
            own = np.flatnonzero(self.labels == label)
            others = np.flatnonzero(self.labels != label)
            own = rng.permutation(own)
            # The next in a random circle: never the image itself.
            found[own] = np.roll(own, 1) if same else rng.choice(others, len(own))
        return found
