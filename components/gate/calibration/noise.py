"""Real against real: what chance alone does to the figures.

Disjoint parts of the train images take the place of generated ones. Figures of single images are shares, whose noise is binomial;
resampling rows would not do for those of neighbours (Abadie & Imbens 2008).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from components.gate.combiners.shared_traits import TRAIT_FIGURES, shared_traits
from components.gate.figures.marginals import Marginals, log_powers, pixel_values
from components.gate.figures.styles import styles_of
from components.gate.reference.train_reference import TrainReference
from components.judge.memory import TrainMemory

SPLITS = 99  # the largest of 99 is exceeded 1 time in 100
_ONE_IN_100 = 2.33  # standard errors above which 1 % of a normal distribution lie
_CHUNK = 2000  # images summed up at once


def trait_noise(
    images: np.ndarray, labels: np.ndarray, reference: TrainReference, memory: TrainMemory, count: int
) -> tuple[dict[str, float], dict[str, float], dict[str, float]]:
    """Measure what the figures of shared traits are between disjoint parts of the train images.

    Args:
        images: uint8 [N, H, W, C], train images.
        labels: int64 [N].
        reference: Made of just these.
        memory: Whose principal components the styles are found in.
        count: Images in the place of the generated ones; at most half of each class is taken.

    Returns:
        The median and the largest of 99 splits, and the largest of the worst class; without figures that no split has, e.g.
        that of styles where every class has too few images.
    """
    rng = np.random.default_rng(0)
    sums = _SplitSums()
    found: dict[str, list[list[float]]] = defaultdict(list)
    for label in map(int, np.flatnonzero(reference.counts)):
        own = np.flatnonzero(labels == label)
        taken = min(round(count * len(own) / len(images)), len(own) // 2)
        if not taken:
            continue
        members = np.zeros((SPLITS, len(own)), np.float32)
        for split in members:
            split[rng.permutation(len(own))[:taken]] = 1
        of_class = _SplitSums()
        for start in range(0, len(own), _CHUNK):
            places = own[start : start + _CHUNK]
            of_class.add(members[:, start : start + _CHUNK], images[places], memory, label, reference)
        for name, values in of_class.figures(_only(reference, label)).items():
            found[name].append(values)
        sums.merge(of_class)
    overall = _known(sums.figures(_all(reference)))
    return (
        {name: float(np.median(values)) for name, values in overall.items()},
        {name: float(np.max(values)) for name, values in overall.items()},
        {name: float(np.max(values)) for name, values in _known(found).items()},
    )


def _known(figures: Mapping[str, ArrayLike]) -> dict[str, np.ndarray]:
    """Keep the values that are numbers, and the figures that have any."""
    values = {name: np.ravel(value) for name, value in figures.items()}
    known = {name: value[np.isfinite(value)] for name, value in values.items()}
    return {name: value for name, value in known.items() if len(value)}


_Sums = tuple[Marginals, Marginals, np.ndarray]


def _only(reference: TrainReference, label: int) -> _Sums:
    styles = np.zeros_like(reference.style_counts)
    styles[label] = reference.style_counts[label]
    counts = np.where(np.arange(reference.classes) == label, reference.counts, 0)
    return reference.pixels(counts), reference.powers(counts), styles


def _all(reference: TrainReference) -> _Sums:
    return reference.pixels(reference.counts), reference.powers(reference.counts), reference.style_counts


class _SplitSums:
    """Sums of each split's images: counts [S], and what their pixels, powers and styles sum up to."""

    def __init__(self) -> None:
        self.count = np.zeros(SPLITS)
        self.tables: list[np.ndarray] = []

    def add(self, members: np.ndarray, images: np.ndarray, memory: TrainMemory, label: int, reference: TrainReference) -> None:
        pixels, powers = pixel_values(images), log_powers(images)
        own, (classes, bins) = np.full(len(images), label), reference.style_counts.shape
        found = styles_of(memory.encode(images), own, reference.style_centres)
        styles = np.zeros((len(images), classes * bins), np.float32)
        known = np.flatnonzero(found >= 0)
        styles[known, label * bins + found[known]] = 1
        columns = (pixels, pixels**2, powers, powers**2, styles)
        self._accumulate(members.sum(1), [members @ column for column in columns])

    def merge(self, other: _SplitSums) -> None:
        self._accumulate(other.count, other.tables)

    def _accumulate(self, count: np.ndarray, tables: list[np.ndarray]) -> None:
        self.count = self.count + count
        self.tables = [one + more for one, more in zip(self.tables, tables, strict=True)] if self.tables else tables

    def figures(self, whole: _Sums) -> dict[str, list[float]]:
        """Compute the figures of each split against what is left of the whole."""
        found: dict[str, list[float]] = {name: [] for name in TRAIT_FIGURES}
        for split in range(SPLITS):
            pixel, pixel2, power, power2, styles = (table[split].astype(np.float64) for table in self.tables)
            count, own = self.count[split], styles.reshape(whole[2].shape)
            ours = Marginals(count, pixel, pixel2), Marginals(count, power, power2), own
            rest = whole[0] - ours[0], whole[1] - ours[1], whole[2] - own
            for name, value in shared_traits(*ours, rest).items():
                found[name].append(value)
        return found


def share_noise(share: float, count: int) -> float:
    """Return what a share of `count` generated images, bounded by as many real ones, exceeds 1 time in 100."""
    return share + _ONE_IN_100 * float(np.sqrt(2 * share * (1 - share) / max(count, 1)))
