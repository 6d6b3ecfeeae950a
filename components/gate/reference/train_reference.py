"""What the train images are like, which a generator should imitate: sums by class, so that any class counts can be matched."""

from __future__ import annotations

import zipfile
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np

from components.gate.figures.frechet import Moments
from components.gate.figures.marginals import Marginals, log_powers, pixel_values
from components.gate.figures.styles import count_styles, fit_styles
from components.judge.features import Judge
from components.judge.memory import TrainMemory
from serving.repository.errors import UserError, first_line

REFERENCE_FILE = "train_reference.npz"
_CHUNK = 5000  # images looked at at once
_CODES = 20_000  # train images kept to compare the held-out ones with; as many as the neighbour metrics look at at most


@dataclass(frozen=True)
class TrainReference:
    """Statistics of the train images; the first axis of most is the class, that of features a half of the images before it.

    Attributes:
        counts: int64 [C], images of each class.
        pixel_totals: float64 [C, P] and `pixel_squares`: sums over pixels in 0..255.
        pixel_squares: float64 [C, P].
        power_totals: float64 [C, F] and `power_squares`: sums over logarithms of the power of each frequency.
        power_squares: float64 [C, F].
        feature_counts: int64 [2, C], images of each disjoint half.
        feature_totals: float64 [2, C, D]: sums of the judge's features.
        feature_outers: float64 [2, C, D, D]: sums of their outer products.
        second_totals: float64 [2, C, E]: the same of the second judge's.
        second_outers: float64 [2, C, E, E].
        style_centres: float32 [C, B, K]: bins of each class's principal components.
        style_counts: int64 [C, B]: train images in each.
        codes: float32 [L, K]: principal components of some train images, in random order.
    """

    counts: np.ndarray
    pixel_totals: np.ndarray
    pixel_squares: np.ndarray
    power_totals: np.ndarray
    power_squares: np.ndarray
    feature_counts: np.ndarray
    feature_totals: np.ndarray
    feature_outers: np.ndarray
    second_totals: np.ndarray
    second_outers: np.ndarray
    style_centres: np.ndarray
    style_counts: np.ndarray
    codes: np.ndarray

    @classmethod
    def of(cls, images: np.ndarray, labels: np.ndarray, classes: int, judge: Judge, memory: TrainMemory) -> TrainReference:
        """Look at all train images.

        Args:
            images: uint8 [N, H, W, C], in random order.
            labels: int64 [N].
            classes: Number of classes.
            judge: Both judges.
            memory: Whose principal components the styles are found in.
        """
        sums = ClassTable(classes), ClassTable(classes)
        codes, halves = [], ([], [])
        for start in range(0, len(images), _CHUNK):
            some, own = images[start : start + _CHUNK], labels[start : start + _CHUNK]
            for table, values in zip(sums, (pixel_values(some), log_powers(some)), strict=True):
                table.add(values, own)
            codes.append(memory.encode(some))
            for kind, values in zip(halves, (judge.features(some)[0], judge.second_features(some)), strict=True):
                kind.append(_moments_by_half(values, own, classes))
        features, second = (tuple(np.sum(part, axis=0) for part in zip(*kind, strict=True)) for kind in halves)
        all_codes = np.concatenate(codes)
        centres = fit_styles(all_codes, labels, classes)
        chosen = np.random.default_rng(0).permutation(len(images))[:_CODES]
        return cls(
            counts=np.bincount(labels, minlength=classes),
            pixel_totals=sums[0].totals,
            pixel_squares=sums[0].squares,
            power_totals=sums[1].totals,
            power_squares=sums[1].squares,
            feature_counts=features[0],
            feature_totals=features[1],
            feature_outers=features[2],
            second_totals=second[1],
            second_outers=second[2],
            style_centres=centres,
            style_counts=count_styles(all_codes, labels, centres),
            codes=all_codes[chosen],
        )

    @classmethod
    def load(cls, directory: str | Path) -> TrainReference:
        """Read what `save` wrote.

        Raises:
            UserError: It cannot be read.
        """
        path = Path(directory) / REFERENCE_FILE
        try:
            with np.load(path, allow_pickle=False) as stored:
                return cls(**{field.name: stored[field.name] for field in fields(cls)})
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise UserError(f"no usable calibration in {path.parent}: {first_line(error)}; run the pipeline again") from error

    def save(self, directory: str | Path) -> None:
        """Write into a directory."""
        np.savez_compressed(Path(directory) / REFERENCE_FILE, **asdict(self))

    @property
    def classes(self) -> int:
        """Number of classes C."""
        return len(self.counts)

    def pixels(self, counts: np.ndarray) -> Marginals:
        """Return the pixels' sums as `counts` int64 [C] images of each class would have them."""
        return self._matched(self.pixel_totals, self.pixel_squares, counts)

    def powers(self, counts: np.ndarray) -> Marginals:
        """Return the same of the logarithms of the power of each frequency."""
        return self._matched(self.power_totals, self.power_squares, counts)

    def _matched(self, totals: np.ndarray, squares: np.ndarray, counts: np.ndarray) -> Marginals:
        weights = _weights(counts, self.counts)
        return Marginals(float(counts[self.counts > 0].sum()), weights @ totals, weights @ squares)

    def halves(self, counts: np.ndarray, *, second: bool = False) -> tuple[Moments, Moments]:
        """Return the features' sums over two disjoint halves of the train images, their classes in the proportion of `counts`.

        The counts in them are those of as many images of one distribution as vary alike (Kish 1965): a class that there are few
        of weighs on the noise of all.
        """
        totals, outers = (self.second_totals, self.second_outers) if second else (self.feature_totals, self.feature_outers)
        found = []
        for number in range(2):
            own = self.feature_counts[number]
            weights = _weights(counts, own)
            total = float((weights * own).sum())
            size = total**2 / float((weights**2 * own).sum()) if total else 0.0
            scale = size / total if total else 0.0
            found.append(Moments(size, scale * (weights @ totals[number]), scale * np.tensordot(weights, outers[number], 1)))
        return found[0], found[1]


class ClassTable:
    """Running sums of values and of their squares by class, float64 [C, P] each."""

    def __init__(self, classes: int) -> None:
        """Begin with nothing."""
        self._classes = classes
        self.totals: np.ndarray = np.zeros((classes, 0))
        self.squares: np.ndarray = np.zeros((classes, 0))

    def add(self, values: np.ndarray, labels: np.ndarray) -> None:
        """Add values float32 [N, P] of the classes int64 [N]."""
        if not self.totals.size:
            self.totals, self.squares = (np.zeros((self._classes, values.shape[1])) for _ in range(2))
        for label in np.unique(labels):
            own = Marginals.of(values[labels == label])
            self.totals[label] += own.totals
            self.squares[label] += own.squares


def _weights(wanted: np.ndarray, there: np.ndarray) -> np.ndarray:
    """Weigh each image of a class [C] so that the classes come in the numbers wanted."""
    return np.where(there > 0, wanted / np.maximum(there, 1), 0.0)


def _moments_by_half(features: np.ndarray, labels: np.ndarray, classes: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sum up features [N, D] by half (every other image) and class: counts [2, C], totals [2, C, D], outers [2, C, D, D]."""
    size = features.shape[1]
    counts, totals = np.zeros((2, classes), np.int64), np.zeros((2, classes, size))
    outers = np.zeros((2, classes, size, size))
    for half in range(2):
        rows, own = features[half::2], labels[half::2]
        for label in np.unique(own):
            moments = Moments.of(rows[own == label])
            counts[half, label], totals[half, label], outers[half, label] = moments.count, moments.total, moments.outer
    return counts, totals, outers
