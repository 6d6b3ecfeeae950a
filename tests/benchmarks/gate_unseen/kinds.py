"""The 40 kinds of generators: none is of the gate's own catalogue of faults, and a network can see what is wrong with each.

Those from `another draw` to `elastic warps of 0.2 pixels` were thought to be good, the others bad; the unseen network decides.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import ndimage

from tests.benchmarks.gate_unseen.source import Source
from tests.benchmarks.gate_unseen.warps import elastic, grid, jpeg, levels, resampled, to_bytes, turned

Make = Callable[[Source, np.random.Generator], np.ndarray]

_WHITE = 255
_COMPONENTS = 50  # of the Gaussians of each class


def _rounded(weight: np.ndarray, bits: int) -> np.ndarray:
    step = np.abs(weight).max() / (2 ** (bits - 1) - 1)
    return np.round(weight / step) * step if step else weight


def _shaken(share: float) -> Make:
    return lambda source, rng: source.reweighted(lambda weight: weight * (1 + share * rng.normal(size=weight.shape)))


def _scaled(factor: float) -> Make:
    return lambda source, _: source.from_latents(source.latents * np.float32(factor))


def _gamma(source: Source, _: np.random.Generator) -> np.ndarray:
    return to_bytes(_WHITE * (source.images / _WHITE) ** 1.02)


def _moved(pixels: float) -> Make:
    def make(source: Source, _: np.random.Generator) -> np.ndarray:
        rows, columns = grid(source.images)
        return resampled(source.images, rows - pixels, columns - pixels)

    return make


def _turned_at_random(degrees: float) -> Make:
    return lambda source, rng: turned(source.images, rng.uniform(-degrees, degrees, len(source.images)))


def _half_latents(source: Source, _: np.random.Generator) -> np.ndarray:
    latents = source.latents.copy()
    latents[:, : latents.shape[1] // 2] = 0
    return source.from_latents(latents)


def _mean_of_two(source: Source, rng: np.random.Generator) -> np.ndarray:
    return to_bytes((source.images.astype(float) + source.images[source.partners(rng, same=True)]) / 2)


def _exchanged(source: Source, rng: np.random.Generator) -> np.ndarray:
    """Two classes, of which each shows the other: the fifth and the last, in MNIST 4 and 9."""
    classes = np.unique(source.labels)
    one, other = (np.flatnonzero(source.labels == label) for label in (classes[len(classes) // 2 - 1], classes[-1]))
    images = source.images.copy()
    images[one], images[other] = source.images[rng.choice(other, len(one))], source.images[rng.choice(one, len(other))]
    return images


def _few_styles(source: Source, rng: np.random.Generator) -> np.ndarray:
    """One class knows 20 latents alone, and what is near them."""
    own = np.flatnonzero(source.labels == np.unique(source.labels)[len(np.unique(source.labels)) // 3])
    latents = source.latents.copy()
    latents[own] = source.latents[own[:20]][rng.integers(0, 20, len(own))] + 0.1 * rng.normal(size=latents[own].shape)
    return source.from_latents(latents)


def _part(share: float, make: Make) -> Make:
    def partly(source: Source, rng: np.random.Generator) -> np.ndarray:
        chosen = rng.permutation(len(source.images))[: round(share * len(source.images))]
        images = source.images.copy()
        images[chosen] = make(source, rng)[chosen]
        return images

    return partly


def _left_of_another_class(source: Source, rng: np.random.Generator) -> np.ndarray:
    images, half = source.images.copy(), source.images.shape[2] // 2
    images[:, :, :half] = source.images[source.partners(rng, same=False), :, :half]
    return images


def _top_of_another(source: Source, rng: np.random.Generator) -> np.ndarray:
    images, half = source.images.copy(), source.images.shape[1] // 2
    images[:, :half] = source.images[source.partners(rng, same=True), :half]
    return images


def _mean_of_classes(source: Source, rng: np.random.Generator) -> np.ndarray:
    return to_bytes((source.images.astype(float) + source.images[source.partners(rng, same=False)]) / 2)


def _salt(source: Source, rng: np.random.Generator) -> np.ndarray:
    return np.where(rng.random(source.images.shape) < 0.02, np.uint8(_WHITE), source.images)


def _half_resolution(source: Source, _: np.random.Generator) -> np.ndarray:
    count, height, width, channels = source.images.shape
    small = source.images.reshape(count, height // 2, 2, width // 2, 2, channels).mean((2, 4))
    return to_bytes(small.repeat(2, 1).repeat(2, 2))


def _stretched(source: Source, _: np.random.Generator) -> np.ndarray:
    rows, columns = grid(source.images)
    middle = (source.images.shape[2] - 1) / 2
    return resampled(source.images, rows, middle + (columns - middle) / 1.1)


def _occluded(source: Source, rng: np.random.Generator) -> np.ndarray:
    images, side = source.images.copy(), source.images.shape[1]
    for image, (row, column) in zip(images, rng.integers(side // 7, side - side // 7 - 8, (len(images), 2)), strict=True):
        image[row : row + 8, column : column + 8] = 0
    return images


def _struck_through(source: Source, rng: np.random.Generator) -> np.ndarray:
    images = source.images.copy()
    images[np.arange(len(images)), rng.integers(0, images.shape[1], len(images))] = _WHITE
    return images


def _sharpened(source: Source, _: np.random.Generator) -> np.ndarray:
    images = source.images.astype(np.float32)
    return to_bytes(images + 1.5 * (images - ndimage.gaussian_filter(images, (0, 1, 1, 0))))


def _gaussians(source: Source, rng: np.random.Generator) -> np.ndarray:
    """Each class a Gaussian in the train images' 50 main components."""
    flat, shape = source.train.reshape(len(source.train), -1).astype(np.float32), source.images.shape[1:]
    images = np.empty(source.images.shape, np.uint8)
    for label in np.unique(source.labels):
        rows, own = flat[source.train_labels == label], np.flatnonzero(source.labels == label)
        values, vectors = np.linalg.eigh(np.cov(rows, rowvar=False))
        drawn = rng.normal(size=(len(own), _COMPONENTS)) * np.sqrt(np.maximum(values[-_COMPONENTS:], 0))
        images[own] = to_bytes(rows.mean(0) + drawn @ vectors[:, -_COMPONENTS:].T).reshape(-1, *shape)
    return images


def _towards_the_mean(source: Source, _: np.random.Generator) -> np.ndarray:
    images = source.images.astype(np.float32)
    for label in np.unique(source.labels):
        own = source.labels == label
        images[own] += 0.2 * (images[own].mean(0) - images[own])
    return to_bytes(images)


GOOD: dict[str, Make] = {
    "another draw": lambda source, rng: source.again(rng.integers(2**62, size=len(source.labels))),
    "seeds counted from 0": lambda source, _: source.again(np.arange(len(source.labels))),
    "latents times 0.97": _scaled(0.97),
    "latents times 1.03": _scaled(1.03),
    "weights rounded to 8 bits": lambda source, _: source.reweighted(lambda weight: _rounded(weight, 8)),
    "weights with 1 % noise": _shaken(0.01),
    "64 grey levels": lambda source, _: levels(source.images, 64),
    "moved by a tenth of a pixel": _moved(0.1),
    "gamma 1.02": _gamma,
    "JPEG of quality 95": lambda source, _: jpeg(source.images, 95),
    "turned by up to 1 degree": _turned_at_random(1),
    "elastic warps of 0.2 pixels": lambda source, rng: elastic(source.images, 0.2, rng),
}
BAD: dict[str, Make] = {
    "latents times 0.5": _scaled(0.5),
    "latents times 1.5": _scaled(1.5),
    "half of each latent zero": _half_latents,
    "each the mean of two of its class": _mean_of_two,
    "weights rounded to 3 bits": lambda source, _: source.reweighted(lambda weight: _rounded(weight, 3)),
    "weights with 20 % noise": _shaken(0.2),
    "two classes exchanged": _exchanged,
    "one class of 20 styles": _few_styles,
    "10 %: left half of another class": _part(0.1, _left_of_another_class),
    "upper half of another image of the class": _top_of_another,
    "10 %: mean of two classes": _part(0.1, _mean_of_classes),
    "turned by 8 degrees": lambda source, _: turned(source.images, np.array(8.0)),
    "turned by up to 30 degrees": _turned_at_random(30),
    "elastic warps of 1.5 pixels": lambda source, rng: elastic(source.images, 1.5, rng),
    "eroded by 2x2": lambda source, _: ndimage.grey_erosion(source.images, (1, 2, 2, 1)),
    "2 % of the pixels white": _salt,
    "motion blur of 3 pixels": lambda source, _: to_bytes(ndimage.uniform_filter1d(source.images.astype(np.float32), 3, 2)),
    "JPEG of quality 10": lambda source, _: jpeg(source.images, 10),
    "4 grey levels": lambda source, _: levels(source.images, 4),
    "black or white": lambda source, _: levels(source.images, 2),
    "half the resolution": _half_resolution,
    "off-centre by 2 pixels": _moved(2),
    "stretched by 10 %": _stretched,
    "a black square of 8 pixels somewhere": _occluded,
    "a white line somewhere": _struck_through,
    "sharpened": _sharpened,
    "a Gaussian for each class": _gaussians,
    "a fifth of the way to the class's mean": _towards_the_mean,
}
KINDS = GOOD | BAD
