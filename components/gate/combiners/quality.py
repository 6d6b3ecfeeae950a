"""Figures that follow from sums over all rows: mergeable, bounded, and blind to order and grouping."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import apache_beam as beam
import numpy as np
from threadpoolctl import threadpool_limits

from components.gate.combiners.rows import Row, shared_train_reference, stack
from components.gate.figures.classes import ClassSums, class_shares, diversity_ratio, smallest_share
from components.gate.figures.frechet import (
    PARTS,
    Moments,
    added,
    by_part,
    chance_of,
    extrapolate,
    frechet_between,
    leave_one_out,
    ratio_to_train,
    ratio_with_error,
    total_of,
)
from serving.repository.contract import ANY_LABEL

_PENDING = 256  # rows summed up at once: one matrix product costs less than as many outer products
FLOOR_IMAGES = 10_000  # images whose sampling noise the Fréchet distance's floor holds, whatever number is compared
TRAIN_IMAGES = 30_000  # the same of the distance to the train images

QUALITY_FIGURES = (
    "examples",
    "frechet_distance",
    "frechet_floor",
    "frechet_ratio",
    "frechet_error",
    "frechet_infinity",
    "split_gap",
    "train_frechet_ratio",
    "train_frechet_error",
    "second_frechet_distance",
    "second_frechet_floor",
    "second_frechet_ratio",
    "second_frechet_error",
    "second_frechet_infinity",
    "second_split_gap",
    "second_train_frechet_ratio",
    "second_train_frechet_error",
    "label_agreement",
    "smallest_class_share",
    "diversity",
    "faulty_draws",
    "fault",
)
CLASS_SHARE = "class_share"  # one key for each class


@dataclass
class QualitySums:
    """Running sums of `QualityCombiner`; `pending` rows are not in the sums yet."""

    real: list[Moments]  # one for each part
    generated: list[Moments]
    real_second: list[Moments]
    generated_second: list[Moments]
    real_classes: ClassSums
    generated_classes: ClassSums
    labels: np.ndarray  # int64 [C], real images of each class
    predicted: np.ndarray  # int64 [C], samples that the judge sees as each class
    agreed: int = 0
    unconditional: int = 0
    faulty: int = 0
    fault: int = 0
    pending: list[Row] = field(default_factory=list)

    def __add__(self, other: QualitySums) -> QualitySums:
        return QualitySums(
            added(self.real, other.real),
            added(self.generated, other.generated),
            added(self.real_second, other.real_second),
            added(self.generated_second, other.generated_second),
            self.real_classes + other.real_classes,
            self.generated_classes + other.generated_classes,
            self.labels + other.labels,
            self.predicted + other.predicted,
            self.agreed + other.agreed,
            self.unconditional + other.unconditional,
            self.faulty + other.faulty,
            max(self.fault, other.fault),
        )


class QualityCombiner(beam.CombineFn):
    """Both judges' Fréchet distances, label agreement, class shares, diversity, faults.

    The output is a dict from the names in QUALITY_FIGURES to values, with `class_share` as a list [C].
    """

    def __init__(self, calibration: str, classes: int, feature_size: int, second_size: int) -> None:
        """Set up.

        Args:
            calibration: The calibration artifact's directory, which holds what the train images are like.
            classes: Number of classes C.
            feature_size: Length D of a feature.
            second_size: Length E of a feature of the second judge.
        """
        super().__init__()
        self._calibration, self._classes, self._sizes = calibration, classes, (feature_size, second_size)

    def create_accumulator(self) -> QualitySums:
        """Return empty sums."""
        empty, empty_second = (Moments.of(np.zeros((0, size))) for size in self._sizes)
        no_classes = ClassSums.of(np.zeros((0, self._sizes[0])), np.zeros(0, np.int64), self._classes)
        none = np.zeros(self._classes, np.int64)
        first, second = [empty] * PARTS, [empty_second] * PARTS
        return QualitySums(first, first, second, second, no_classes, no_classes, none, none)

    def add_input(self, sums: QualitySums, row: Row) -> QualitySums:
        """Add one row."""
        sums.pending.append(row)
        return self.compact(sums) if len(sums.pending) >= _PENDING else sums

    def compact(self, sums: QualitySums) -> QualitySums:
        """Sum up the pending rows."""
        if not sums.pending:
            return sums
        rows = stack(sums.pending)
        group = np.where(rows.answered == ANY_LABEL, rows.predicted, rows.answered)

        return sums + QualitySums(
            by_part(rows.real, rows.key),
            by_part(rows.generated, rows.key),
            by_part(rows.real_second, rows.key),
            by_part(rows.generated_second, rows.key),
            ClassSums.of(rows.real, rows.label, self._classes),
            ClassSums.of(rows.generated, group, self._classes),
            np.bincount(rows.label, minlength=self._classes),
            np.bincount(rows.predicted, minlength=self._classes),
            int((rows.predicted == rows.answered).sum()),
            int((rows.answered == ANY_LABEL).sum()),
            int((rows.fault > 0).sum()),
            int(rows.fault.max()),
        )

    def merge_accumulators(self, accumulators: list[QualitySums]) -> QualitySums:
        """Add sums to sums."""
        merged = self.create_accumulator()
        for sums in map(self.compact, accumulators):
            merged = merged + sums
        return merged

    def extract_output(self, sums: QualitySums) -> dict[str, Any]:
        """Turn sums into figures; what can't be told is not-a-number."""
        sums = self.compact(sums)
        reference, count = shared_train_reference(self._calibration), total_of(sums.real).count
        part = (sums.labels > 0).mean()  # a class by itself is held to the noise of its part of the images
        halves = reference.halves(sums.labels), reference.halves(sums.labels, second=True)
        first = _distances("", sums.generated, sums.real, halves[0], part)
        second = _distances("second_", sums.generated_second, sums.real_second, halves[1], part)
        shares = class_shares(sums.labels, sums.predicted)
        if sums.faulty or self._classes == 1:  # unlabelled images have no classes to have shares of
            shares = np.full_like(shares, np.nan)
        return {
            "examples": float(count),
            **first,
            **second,
            "label_agreement": float("nan") if sums.unconditional or sums.faulty else sums.agreed / max(count, 1),
            "smallest_class_share": smallest_share(shares),
            CLASS_SHARE: shares.tolist(),
            "diversity": diversity_ratio(sums.generated_classes, sums.real_classes),
            "faulty_draws": float(sums.faulty),
            "fault": float(sums.fault),
        }


def _distances(
    prefix: str, generated: list[Moments], real: list[Moments], halves: tuple[Moments, Moments], part: float
) -> dict[str, float]:
    """Measure the distances of one judge.

    Two yardsticks: the unseen real images, which differ from the train images by more than chance in many datasets, and the train
    images, whose distribution is what is learned. The ratios say what would be found with a fixed number of images on each side.
    """
    train = halves[0] + halves[1]
    chance = chance_of(*halves) if part else float("nan")
    beside = 2 * chance / (FLOOR_IMAGES * part) if part else chance
    own = chance / train.count if train.count else float("nan")  # the train images' own part of chance, as in `ratio_to_train`
    # One thread: on matrices this small, those of a busy machine's BLAS wait for each other longer than they work.
    with threadpool_limits(1, user_api="blas"):
        ours, theirs = leave_one_out(generated), leave_one_out(real)
        distances = np.array([frechet_between(*pair) for pair in zip(ours, theirs, strict=True)])
        from_unseen = extrapolate(distances)
        floor = extrapolate(np.array([frechet_between(train, one) for one in theirs])) - own
        train_ratio, train_error = ratio_to_train(halves, generated, TRAIN_IMAGES * part)
    ratio, error = ratio_with_error(from_unseen, floor, beside)
    gap = max(float(floor.mean()), 0.0)
    figures = {
        "frechet_distance": float(distances[0]),
        "frechet_floor": gap + beside,
        "frechet_ratio": ratio,
        "frechet_error": error,
        "frechet_infinity": float(from_unseen.mean()),
        "split_gap": gap / (gap + beside) if gap + beside > 0 else float("nan"),
        "train_frechet_ratio": train_ratio,
        "train_frechet_error": train_error,
    }
    return {f"{prefix}{name}": value for name, value in figures.items()}
