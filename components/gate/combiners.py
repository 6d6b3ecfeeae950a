"""Beam CombineFns over rows of features: mergeable, bounded, and blind to order and grouping."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import NamedTuple

import apache_beam as beam
import numpy as np

from components.gate.reference import Moments, class_shares, frechet_between, frechet_floor, neighbour_metrics
from components.gate.scoring import matched_reference
from components.judge.features import load_reference
from serving.contract import ANY_LABEL

_PENDING = 256  # rows summed up at once: one matrix product costs less than as many outer products


class Row(NamedTuple):
    """One real image and the sample drawn for it."""

    real: np.ndarray  # float32 [D]
    generated: np.ndarray  # float32 [D]
    label: int
    key: int
    predicted: int
    answered: int
    fault: int


@dataclass
class Sums:
    """Running sums of `QualityCombiner`; `pending` rows are not in the sums yet."""

    real: Moments
    generated: Moments
    labels: np.ndarray  # int64 [C], real images of each class
    predicted: np.ndarray  # int64 [C], samples that the judge sees as each class
    agreed: int = 0
    unconditional: int = 0
    faulty: int = 0
    fault: int = 0
    pending: list[Row] = field(default_factory=list)


class QualityCombiner(beam.CombineFn):
    """Figures that follow from sums: Fréchet distance, floor and ratio, label agreement, class shares, faults.

    The output is a dict from the figure's name to its value, with `class_share` as a list [C].
    """

    def __init__(self, judge: str, classes: int, feature_size: int) -> None:
        """Set up.

        Args:
            judge: The judge artifact's directory, which holds the reference.
            classes: Number of classes C.
            feature_size: Length D of a feature.
        """
        super().__init__()
        self._judge, self._classes, self._size = judge, classes, feature_size

    def create_accumulator(self) -> Sums:
        """Return empty sums."""
        empty = Moments.of(np.zeros((0, self._size)))
        none = np.zeros(self._classes, np.int64)
        return Sums(empty, empty, none, none)

    def add_input(self, sums: Sums, row: Row) -> Sums:
        """Add one row."""
        sums.pending.append(row)
        return self.compact(sums) if len(sums.pending) >= _PENDING else sums

    def compact(self, sums: Sums) -> Sums:
        """Sum up the pending rows."""
        if not sums.pending:
            return sums
        columns = Row(*(np.asarray(column) for column in zip(*sums.pending, strict=True)))
        return Sums(
            sums.real + Moments.of(columns.real),
            sums.generated + Moments.of(columns.generated),
            sums.labels + np.bincount(columns.label, minlength=self._classes),
            sums.predicted + np.bincount(columns.predicted, minlength=self._classes),
            sums.agreed + int((columns.predicted == columns.answered).sum()),
            sums.unconditional + int((columns.answered == ANY_LABEL).sum()),
            sums.faulty + int((columns.fault > 0).sum()),
            max(sums.fault, int(columns.fault.max())),
        )

    def merge_accumulators(self, accumulators: list[Sums]) -> Sums:
        """Add sums to sums."""
        merged = self.create_accumulator()
        for sums in map(self.compact, accumulators):
            merged = Sums(
                merged.real + sums.real,
                merged.generated + sums.generated,
                merged.labels + sums.labels,
                merged.predicted + sums.predicted,
                merged.agreed + sums.agreed,
                merged.unconditional + sums.unconditional,
                merged.faulty + sums.faulty,
                max(merged.fault, sums.fault),
            )
        return merged

    def extract_output(self, sums: Sums) -> dict[str, float | list[float]]:
        """Turn sums into figures; what can't be told is not-a-number."""
        sums = self.compact(sums)
        features, labels = load_reference(self._judge)
        reference = Moments.of(features[matched_reference(labels, sums.labels)])
        distance = frechet_between(sums.generated, sums.real)
        floor = frechet_floor(reference, sums.real)
        shares = class_shares(sums.labels, sums.predicted)
        if sums.faulty:
            shares = np.full_like(shares, np.nan)
        return {
            "examples": float(sums.real.count),
            "frechet_distance": distance,
            "frechet_floor": floor,
            "frechet_ratio": distance / floor if floor > 0 else float("nan"),
            "label_agreement": float("nan") if sums.unconditional or sums.faulty else sums.agreed / max(sums.real.count, 1),
            "smallest_class_share": float(shares.min()),
            "class_share": shares.tolist(),
            "faulty_draws": float(sums.faulty),
            "fault": float(sums.fault),
        }


@dataclass(frozen=True)
class Sample:
    """The rows of the smallest keys so far; `pending` are not sorted in yet."""

    real: np.ndarray  # float32 [K, D]
    generated: np.ndarray  # float32 [K, D]
    keys: np.ndarray  # int64 [K]
    pending: list[Row] = field(default_factory=list)


class NeighbourCombiner(beam.CombineFn):
    """Precision, recall, density and coverage of a bounded sample: the rows whose keys, hashes of content, are smallest."""

    def __init__(self, feature_size: int, limit: int, precision_k: int, density_k: int) -> None:
        """Set up.

        Args:
            feature_size: Length D of a feature.
            limit: Rows to keep.
            precision_k: Neighbours for precision and recall.
            density_k: Neighbours for density and coverage.
        """
        super().__init__()
        self._size, self._limit, self._precision_k, self._density_k = feature_size, limit, precision_k, density_k

    def create_accumulator(self) -> Sample:
        """Return an empty sample."""
        nothing = np.zeros((0, self._size), np.float32)
        return Sample(nothing, nothing, np.zeros(0, np.int64))

    def add_input(self, sample: Sample, row: Row) -> Sample:
        """Add one row."""
        sample.pending.append(row)
        return self.compact(sample) if len(sample.pending) >= self._limit else sample

    def compact(self, sample: Sample) -> Sample:
        """Sort the pending rows in and cut to the limit."""
        if not sample.pending:
            return sample
        columns = Row(*(np.asarray(column) for column in zip(*sample.pending, strict=True)))
        return self._smallest([replace(sample, pending=[]), Sample(columns.real, columns.generated, columns.key)])

    def merge_accumulators(self, accumulators: list[Sample]) -> Sample:
        """Merge samples."""
        return self._smallest([self.create_accumulator(), *map(self.compact, accumulators)])

    def extract_output(self, sample: Sample) -> dict[str, float]:
        """Compute the metrics."""
        sample = self.compact(sample)
        return neighbour_metrics(sample.real, sample.generated, self._precision_k, self._density_k)

    def _smallest(self, samples: list[Sample]) -> Sample:
        real, generated, keys = (np.concatenate([getattr(s, name) for s in samples]) for name in ("real", "generated", "keys"))
        order = np.argsort(keys, kind="stable")[: self._limit]
        return Sample(real[order], generated[order], keys[order])
