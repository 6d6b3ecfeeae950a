"""When the unseen network calls a generator bad. Written down before any verdict was seen, and not tuned after one.

The network is trained on one half of the train images. The other half, which it has not seen, is what generated images are
compared with: the distribution that the GAN learns. Both sides have equally many images, with the same classes.

A generator is bad if, against the present one of the home, which is taken for good,

- its Fréchet distance in the network's features, overall or within a class, is more than twice what 1 in 100 resamples of the
  present generator exceeds; or
- its precision, recall or coverage (k = 5) is more than 0.05 below what 1 in 100 resamples of it falls short of; or
- the share of its images that the network sees as the class asked for is more than 0.01 below the same.

Otherwise it is good. Distances are told as multiples of the floor: as many other real images in the generated ones' place.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from components.gate.figures.frechet import Moments, frechet_between
from components.gate.figures.neighbours import neighbour_metrics

FRECHET_FACTOR = 2.0
SHARE_MARGIN, AGREEMENT_MARGIN = 0.05, 0.01
RARE = 0.01
_AGREEMENT = "label_agreement"
_SHARES = ("precision", "recall", "coverage")
_NEIGHBOUR_ROWS = 5000  # time grows with the square; these are in random order


@dataclass(frozen=True)
class Seen:
    """Images as the unseen network sees them, in random order.

    Attributes:
        features: float32 [N, D].
        seen: int64 [N], the class seen.
        labels: int64 [N], the class asked for.
    """

    features: np.ndarray
    seen: np.ndarray
    labels: np.ndarray

    def taken(self, rows: np.ndarray) -> Seen:
        """Return some rows."""
        return Seen(self.features[rows], self.seen[rows], self.labels[rows])


class Reference:
    """Real images that sets of images are compared with, in units of the floor."""

    def __init__(self, real: Seen, others: Seen) -> None:
        """Take real images, and as many others of the same classes for the floor."""
        self._real = real
        self._sums = {place: Moments.of(real.features[rows]) for place, rows in _slices(real)}
        self._floor = self._distances(others)

    def figures(self, images: Seen) -> dict[str, float]:
        """Measure images by the rule's figures: Fréchet multiples overall and by class, and shares."""
        distances = self._distances(images)
        neighbours = neighbour_metrics(self._real.features[:_NEIGHBOUR_ROWS], images.features[:_NEIGHBOUR_ROWS])
        return {
            **{place: distance / self._floor[place] for place, distance in distances.items()},
            **{name: neighbours[name] for name in _SHARES},
            _AGREEMENT: float((images.seen == images.labels).mean()),
        }

    def _distances(self, images: Seen) -> dict[str, float]:
        return {place: frechet_between(Moments.of(images.features[rows]), self._sums[place]) for place, rows in _slices(images)}


def _slices(images: Seen) -> list[tuple[str, np.ndarray]]:
    whole = [("frechet", np.arange(len(images.labels)))]
    return whole + [(f"frechet of {label}", np.flatnonzero(images.labels == label)) for label in np.unique(images.labels)]


def limits(resamples: list[dict[str, float]]) -> dict[str, float]:
    """Turn the present generator's figures in resamples into what is allowed: at most, for distances, else at least."""
    found = {}
    for name in resamples[0]:
        values = [figures[name] for figures in resamples]
        if name.startswith("frechet"):
            found[name] = FRECHET_FACTOR * float(np.quantile(values, 1 - RARE))
        else:
            found[name] = float(np.quantile(values, RARE)) - (AGREEMENT_MARGIN if name == _AGREEMENT else SHARE_MARGIN)
    return found


def faults(figures: dict[str, float], allowed: dict[str, float]) -> list[str]:
    """Name the figures that are beyond what is allowed; a figure that isn't a number is. None: the generator is good."""
    return [
        name
        for name, limit in allowed.items()
        if not (figures[name] <= limit if name.startswith("frechet") else figures[name] >= limit)
    ]
