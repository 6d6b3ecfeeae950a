"""Figures that need single rows: computed on a bounded sample, the rows whose keys, hashes of content, are smallest."""

from __future__ import annotations

import abc
from dataclasses import dataclass, field, replace

import apache_beam as beam
import numpy as np

from components.gate.combiners.keys import within
from components.gate.combiners.rows import Row, matched_reference, shared_reference, stack
from components.gate.figures.bootstrap import frechet_error
from components.gate.figures.kid import kernel_distance
from components.gate.figures.memorisation import copying
from components.gate.figures.neighbours import NEIGHBOUR_FIGURES, neighbour_metrics

_PENDING = 256  # rows sorted in at once
# Rows of the floor: what equal distributions reach hardly depends on their number, while the cost grows with its square.
_FLOOR_ROWS = 2000
FLOOR = "real_"  # begins the name of what other real images reach
_FLOORS = tuple(f"{FLOOR}{name}" for name in NEIGHBOUR_FIGURES)
SAMPLE_FIGURES = (*NEIGHBOUR_FIGURES, *_FLOORS, "kid", "kid_error", "memorisation", "copied_share", "frechet_error")
_NOTHING = np.empty(0, np.float32)


@dataclass(frozen=True)
class Sample:
    """The rows of the smallest keys so far, as columns; `pending` are not sorted in yet."""

    rows: Row | None = None
    pending: list[Row] = field(default_factory=list)

    @property
    def size(self) -> int:
        """Number of rows sorted in."""
        return 0 if self.rows is None else len(self.rows.key)


class BoundedSampleCombiner(beam.CombineFn, abc.ABC):
    """Keeps a bounded sample that is the same however rows are grouped and ordered; what it tells is up to the subclass.

    Beam spreads the rows over any number of accumulators, each of which may hold `limit` rows until they are merged. With `share`
    near `limit` over the number of rows, all of them together hold hardly more.
    """

    def __init__(self, limit: int, share: float = 1.0) -> None:
        """Set up to keep `limit` rows out of the `share` of all rows whose keys are smallest."""
        super().__init__()
        self._limit, self._share = limit, share

    def create_accumulator(self) -> Sample:
        """Return an empty sample."""
        return Sample()

    def add_input(self, sample: Sample, row: Row) -> Sample:
        """Add one row."""
        if not within(row.key, self._share):
            return sample
        sample.pending.append(row)
        return self.compact(sample) if len(sample.pending) >= _PENDING else sample

    def compact(self, sample: Sample) -> Sample:
        """Sort the pending rows in and cut to the limit."""
        if not sample.pending:
            return sample
        return self._smallest([replace(sample, pending=[]), Sample(stack(sample.pending))])

    def merge_accumulators(self, accumulators: list[Sample]) -> Sample:
        """Merge samples."""
        return self._smallest([self.compact(sample) for sample in accumulators])

    def extract_output(self, sample: Sample) -> dict[str, float]:
        """Compute the figures."""
        sample = self.compact(sample)
        return self.figures(sample.rows) if sample.rows is not None else dict.fromkeys(self.names, float("nan"))

    @abc.abstractmethod
    def figures(self, rows: Row) -> dict[str, float]:
        """Compute the figures of a sample's columns."""

    @property
    @abc.abstractmethod
    def names(self) -> tuple[str, ...]:
        """Names of the figures."""

    def _smallest(self, samples: list[Sample]) -> Sample:
        filled = [sample.rows for sample in samples if sample.rows is not None]
        if not filled:
            return Sample()
        columns = [np.concatenate(parts) for parts in zip(*filled, strict=True)]
        order = np.argsort(Row(*columns).key, kind="stable")[: self._limit]
        return Sample(Row(*(column[order] for column in columns)))


class SampleCombiner(BoundedSampleCombiner):
    """Precision, recall, density, coverage, near-duplicates and their floors, KID, memorisation, the Fréchet distance's noise."""

    def __init__(self, judge: str, classes: int, limit: int, precision_k: int, density_k: int, share: float = 1.0) -> None:
        """Set up.

        Args:
            judge: The judge artifact's directory, which holds the reference.
            classes: Number of classes C.
            limit: Rows to keep.
            precision_k: Neighbours for precision and recall.
            density_k: Neighbours for density and coverage.
            share: Share of the rows to choose from, by their keys.
        """
        super().__init__(limit, share)
        self._judge, self._classes, self._ks = judge, classes, (precision_k, density_k)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the figures."""
        return SAMPLE_FIGURES

    def add_input(self, sample: Sample, row: Row) -> Sample:
        """Add one row, without what the figures don't look at."""
        return super().add_input(sample, row._replace(real_second=_NOTHING, generated_second=_NOTHING))

    def figures(self, rows: Row) -> dict[str, float]:
        """Compute the figures of a sample's columns."""
        reference = shared_reference(self._judge)
        some = rows.real[:_FLOOR_ROWS]
        counts = np.bincount(rows.label[:_FLOOR_ROWS], minlength=self._classes)
        floor = neighbour_metrics(some, reference.features[matched_reference(reference, counts)], *self._ks)
        kid, kid_error = kernel_distance(rows.real, rows.generated)
        return {
            **neighbour_metrics(rows.real, rows.generated, *self._ks),
            **{f"{FLOOR}{name}": value for name, value in floor.items()},
            "kid": kid,
            "kid_error": kid_error,
            **copying(rows.real_nearest, rows.generated_nearest),
            # Nobody asks for a single class's, and it would cost as much for each as for all.
            "frechet_error": float("nan") if of_one_class(rows, self._classes) else frechet_error(rows.real, rows.generated),
        }


def of_one_class(rows: Row, classes: int) -> bool:
    """Tell whether a sample's columns are those of a single class of several."""
    return classes > 1 and bool((rows.label == rows.label[0]).all())
