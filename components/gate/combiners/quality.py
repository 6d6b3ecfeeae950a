"""Figures that follow from sums over all rows: mergeable, bounded, and blind to order and grouping."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import apache_beam as beam
import numpy as np

from components.gate.combiners.rows import Row, matched_reference, shared_reference, stack
from components.gate.figures.classes import ClassSums, class_shares, diversity_ratio, smallest_share
from components.gate.figures.frechet import Moments, frechet_between, frechet_floor, frechet_infinity, total_of
from serving.repository.contract import ANY_LABEL

_PENDING = 256  # rows summed up at once: one matrix product costs less than as many outer products
_PARTS = 4  # random parts of the rows, for the extrapolation: a class of 900 images still fills each with 225

QUALITY_FIGURES = (
    "examples",
    "frechet_distance",
    "frechet_floor",
    "frechet_ratio",
    "frechet_infinity",
    "second_frechet_distance",
    "second_frechet_floor",
    "second_frechet_ratio",
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
    real_second: Moments
    generated_second: Moments
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
            [one + more for one, more in zip(self.real, other.real, strict=True)],
            [one + more for one, more in zip(self.generated, other.generated, strict=True)],
            self.real_second + other.real_second,
            self.generated_second + other.generated_second,
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

    def __init__(self, judge: str, classes: int, feature_size: int, second_size: int) -> None:
        """Set up.

        Args:
            judge: The judge artifact's directory, which holds the reference.
            classes: Number of classes C.
            feature_size: Length D of a feature.
            second_size: Length E of a feature of the second judge.
        """
        super().__init__()
        self._judge, self._classes, self._sizes = judge, classes, (feature_size, second_size)

    def create_accumulator(self) -> QualitySums:
        """Return empty sums."""
        empty, empty_second = (Moments.of(np.zeros((0, size))) for size in self._sizes)
        no_classes = ClassSums.of(np.zeros((0, self._sizes[0])), np.zeros(0, np.int64), self._classes)
        none = np.zeros(self._classes, np.int64)
        return QualitySums([empty] * _PARTS, [empty] * _PARTS, empty_second, empty_second, no_classes, no_classes, none, none)

    def add_input(self, sums: QualitySums, row: Row) -> QualitySums:
        """Add one row."""
        sums.pending.append(row)
        return self.compact(sums) if len(sums.pending) >= _PENDING else sums

    def compact(self, sums: QualitySums) -> QualitySums:
        """Sum up the pending rows."""
        if not sums.pending:
            return sums
        rows = stack(sums.pending)
        part = rows.key % _PARTS
        group = np.where(rows.answered == ANY_LABEL, rows.predicted, rows.answered)
        return sums + QualitySums(
            [Moments.of(rows.real[part == number]) for number in range(_PARTS)],
            [Moments.of(rows.generated[part == number]) for number in range(_PARTS)],
            Moments.of(rows.real_second),
            Moments.of(rows.generated_second),
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
        real, generated = total_of(sums.real), total_of(sums.generated)
        reference = shared_reference(self._judge)
        chosen = matched_reference(reference, sums.labels)
        first = _distances("", generated, real, reference.features[chosen])
        second = _distances("second_", sums.generated_second, sums.real_second, reference.second[chosen])
        shares = class_shares(sums.labels, sums.predicted)
        if sums.faulty or self._classes == 1:  # unlabelled images have no classes to have shares of
            shares = np.full_like(shares, np.nan)
        return {
            "examples": float(real.count),
            **first,
            **second,
            "frechet_infinity": frechet_infinity(sums.generated, sums.real),
            "label_agreement": float("nan") if sums.unconditional or sums.faulty else sums.agreed / max(real.count, 1),
            "smallest_class_share": smallest_share(shares),
            CLASS_SHARE: shares.tolist(),
            "diversity": diversity_ratio(sums.generated_classes, sums.real_classes),
            "faulty_draws": float(sums.faulty),
            "fault": float(sums.fault),
        }


def _distances(prefix: str, generated: Moments, real: Moments, reference: np.ndarray) -> dict[str, float]:
    distance = frechet_between(generated, real)
    floor = frechet_floor(Moments.of(reference), real)
    return {
        f"{prefix}frechet_distance": distance,
        f"{prefix}frechet_floor": floor,
        f"{prefix}frechet_ratio": distance / floor if floor > 0 else float("nan"),
    }
