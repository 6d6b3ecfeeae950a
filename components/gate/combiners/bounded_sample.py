"""A bounded sample of rows, those whose keys, hashes of content, are smallest: for figures that need single rows."""

from __future__ import annotations

import abc
from dataclasses import dataclass, field, replace

import apache_beam as beam
import numpy as np

from components.gate.combiners.keys import within
from components.gate.combiners.rows import Row, Rows, stack

_PENDING = 256  # rows sorted in at once
_NOTHING = np.empty(0, np.float32)


@dataclass(frozen=True)
class BoundedSample:
    """The rows of the smallest keys so far, as columns; `pending` are not sorted in yet."""

    rows: Rows | None = None
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

    unused: tuple[str, ...] = ("image",)  # fields of a row that the figures don't look at: a kept row is then smaller

    def __init__(self, limit: int, share: float = 1.0) -> None:
        """Set up to keep `limit` rows out of the `share` of all rows whose keys are smallest."""
        super().__init__()
        self._limit, self._share = limit, share

    def create_accumulator(self) -> BoundedSample:
        """Return an empty sample."""
        return BoundedSample()

    def add_input(self, sample: BoundedSample, row: Row) -> BoundedSample:
        """Add one row."""
        if not within(row.key, self._share):
            return sample
        sample.pending.append(row._replace(**dict.fromkeys(self.unused, _NOTHING)))
        return self.compact(sample) if len(sample.pending) >= _PENDING else sample

    def compact(self, sample: BoundedSample) -> BoundedSample:
        """Sort the pending rows in and cut to the limit."""
        if not sample.pending:
            return sample
        return self._smallest([replace(sample, pending=[]), BoundedSample(stack(sample.pending))])

    def merge_accumulators(self, accumulators: list[BoundedSample]) -> BoundedSample:
        """Merge samples."""
        return self._smallest([self.compact(sample) for sample in accumulators])

    def extract_output(self, sample: BoundedSample) -> dict[str, float]:
        """Compute the figures."""
        sample = self.compact(sample)
        return self.figures(sample.rows) if sample.rows is not None else dict.fromkeys(self.names, float("nan"))

    @abc.abstractmethod
    def figures(self, rows: Rows) -> dict[str, float]:
        """Compute the figures of a sample's columns."""

    @property
    @abc.abstractmethod
    def names(self) -> tuple[str, ...]:
        """Names of the figures."""

    def _smallest(self, samples: list[BoundedSample]) -> BoundedSample:
        filled = [sample.rows for sample in samples if sample.rows is not None]
        if not filled:
            return BoundedSample()
        columns = [np.concatenate(parts) for parts in zip(*filled, strict=True)]
        order = np.argsort(Rows(*columns).key, kind="stable")[: self._limit]
        return BoundedSample(Rows(*[column[order] for column in columns]))


def of_one_class(rows: Rows, classes: int) -> bool:
    """Tell whether a sample's columns are those of a single class of several."""
    return classes > 1 and bool((rows.label == rows.label[0]).all())
