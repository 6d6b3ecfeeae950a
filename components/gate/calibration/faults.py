"""The catalogue of faults: what anyone would refuse, at graded strengths, made from held-out real images.

Each fault names the figures that are there to see it. What else sees it is welcome, but is no reason for a limit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

_WHITE = 255


@dataclass(frozen=True)
class Held:
    """Held-out real images that faults are made of, with what some faults need besides.

    Attributes:
        images: uint8 [N, H, W, C], of the classes `labels`.
        labels: int64 [N].
        styles: int64 [N], the bin of its class that each image is in.
        others: uint8 [N, H, W, C], further held-out images, in another order of classes.
        train: uint8 [N, H, W, C], train images of the classes `labels`.
        unseen: uint8 [N, H, W, C], the held-out images of the classes `labels` that a candidate is compared with.
    """

    images: np.ndarray
    labels: np.ndarray
    styles: np.ndarray
    others: np.ndarray
    train: np.ndarray
    unseen: np.ndarray


Make = Callable[[Held, float, np.random.Generator], np.ndarray]


@dataclass(frozen=True)
class FaultKind:
    """One kind of fault.

    Attributes:
        name: What is wrong, in words.
        unit: Of the strengths.
        strengths: From mild to strong.
        refused_from: The mildest strength that has to be refused.
        figures: The figures that are there to see it.
        make: From held-out images, a strength and a random generator to the faulty images, uint8 [N, H, W, C].
        partial: Whether the strength is the share of the images that are faulty; `make` then makes all of them so.
    """

    name: str
    unit: str
    strengths: tuple[float, ...]
    refused_from: float
    figures: tuple[str, ...]
    make: Make
    partial: bool = False


def _bytes(values: np.ndarray) -> np.ndarray:
    return np.clip(np.round(values), 0, _WHITE).astype(np.uint8)


def _noise(held: Held, strength: float, rng: np.random.Generator) -> np.ndarray:
    return _bytes(held.images + rng.normal(0, strength, held.images.shape))


def _checkerboard(held: Held, strength: float, _: np.random.Generator) -> np.ndarray:
    height, width = held.images.shape[1:3]
    board = np.indices((height, width)).sum(0) % 2 * 2.0 - 1
    return _bytes(held.images + strength * board[np.newaxis, :, :, np.newaxis])


def _row(held: Held, strength: float, _: np.random.Generator) -> np.ndarray:
    images = held.images.copy()
    images[:, : int(strength)] = _WHITE
    return images


def _corner(held: Held, strength: float, _: np.random.Generator) -> np.ndarray:
    images = held.images.copy()
    images[:, : int(strength), : int(strength)] = _WHITE
    return images


def _brighter(held: Held, strength: float, _: np.random.Generator) -> np.ndarray:
    return _bytes(held.images + strength)


def _blurred(held: Held, strength: float, _: np.random.Generator) -> np.ndarray:
    return _bytes(ndimage.gaussian_filter(held.images.astype(np.float32), (0, strength, strength, 0)))


def _dilated(held: Held, strength: float, _: np.random.Generator) -> np.ndarray:
    return ndimage.grey_dilation(held.images, (1, int(strength), int(strength), 1))


def _black(held: Held, _strength: float, _: np.random.Generator) -> np.ndarray:
    return np.zeros_like(held.images)


def _garbage(held: Held, _strength: float, rng: np.random.Generator) -> np.ndarray:
    return rng.integers(0, _WHITE + 1, held.images.shape).astype(np.uint8)


def _superimposed(held: Held, _strength: float, _: np.random.Generator) -> np.ndarray:
    # Whichever is farther from the background's grey wins, as ink does on paper of either colour.
    ground = np.median(held.images).astype(np.int16)
    one, other = held.images.astype(np.int16) - ground, held.others.astype(np.int16) - ground
    return _bytes(ground + np.where(np.abs(one) >= np.abs(other), one, other))


def _wrong_class(held: Held, _strength: float, _: np.random.Generator) -> np.ndarray:
    return held.others


def _repeated(held: Held, _strength: float, _: np.random.Generator) -> np.ndarray:
    """Each image is the same one of its class."""
    first = {label: held.images[held.labels == label][-1] for label in np.unique(held.labels)}
    return np.stack([first[label] for label in held.labels])


def _copied(held: Held, _strength: float, _: np.random.Generator) -> np.ndarray:
    return held.train


def _copied_shifted(held: Held, _strength: float, _: np.random.Generator) -> np.ndarray:
    return np.roll(held.train, 1, axis=2)


def _leaked(held: Held, _strength: float, _: np.random.Generator) -> np.ndarray:
    return held.unseen


def _styles_missing(held: Held, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Of each class the images of its first bins are replaced by others of the class."""
    images = held.images.copy()
    for label in np.unique(held.labels):
        own = np.flatnonzero(held.labels == label)
        bins = held.styles[own]
        kept = own[bins >= max(1, round(strength * (bins.max() + 1)))]
        lost = np.setdiff1d(own, kept)
        if len(kept) and len(lost):
            images[lost] = held.images[rng.choice(kept, len(lost))]
    return images


def _class_replaced(held: Held, strength: float, _: np.random.Generator) -> np.ndarray:
    """A part of one class's images shows other classes."""
    images = held.images.copy()
    own = np.flatnonzero(held.labels == held.labels.min())
    steps = np.floor(strength * np.arange(len(own) + 1))
    own = own[np.diff(steps) > 0]  # evenly over all, so that the first images have their part
    images[own] = held.others[own]
    return images


_SHARES = (0.01, 0.02, 0.03, 0.05, 0.1)


def _partial(name: str, refused_from: float, figures: tuple[str, ...], make: Make) -> FaultKind:
    return FaultKind(name, "of the images", _SHARES, refused_from, figures, make, partial=True)


CATALOGUE = (
    FaultKind("grey noise over every image", "bytes", (5, 10, 20, 40), 20, ("spectrum_shift", "pixel_spread"), _noise),
    FaultKind("a checkerboard over every image", "bytes", (2, 4, 8, 16), 16, ("spectrum_shift",), _checkerboard),
    FaultKind("white rows at the top of every image", "rows", (1,), 1, ("pixel_shift",), _row),
    FaultKind("a white corner in every image", "pixels a side", (1, 3), 1, ("pixel_shift",), _corner),
    FaultKind("every image brighter", "bytes", (5, 10, 20, 40), 40, ("pixel_shift",), _brighter),
    FaultKind("every image blurred", "pixels", (0.3, 0.5, 0.7, 1.0), 0.7, ("spectrum_shift",), _blurred),
    FaultKind("every image dilated", "pixels", (2,), 2, ("spectrum_shift",), _dilated),
    FaultKind("styles missing in every class", "of the styles", (0.05, 0.1, 0.2, 0.5), 0.1, ("style_gap",), _styles_missing),
    FaultKind("a class that shows others", "of the class", (0.1, 0.2, 0.5, 1.0), 0.2, ("class_shortfall",), _class_replaced),
    _partial("black images", 0.05, ("duplicate_share", "spectrum_spread"), _black),
    _partial("noise for images", 0.02, ("outlier_share", "spectrum_spread"), _garbage),
    _partial("two images on top of each other", 0.05, ("outlier_share",), _superimposed),
    _partial("images of another class", 0.02, ("label_error",), _wrong_class),
    _partial("one image again and again", 0.05, ("duplicate_share",), _repeated),
    _partial("copies of train images", 0.03, ("copied_share", "near_copy_share"), _copied),
    _partial("train images moved by a pixel", 0.05, ("near_copy_share",), _copied_shifted),
    _partial("the held-out images themselves", 0.1, ("leaked_share",), _leaked),
)
