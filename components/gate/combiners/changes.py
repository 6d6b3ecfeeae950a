"""How much farther off than the served version a candidate is: from sums over all rows of both."""

from __future__ import annotations

from dataclasses import dataclass, field

import apache_beam as beam
import numpy as np
from threadpoolctl import threadpool_limits

from components.gate.combiners.quality import FLOOR_IMAGES
from components.gate.combiners.rows import Row, shared_train_reference, stack
from components.gate.figures.comparison import compare, margin
from components.gate.figures.frechet import PARTS, Moments, added, by_part, chance_of

CHANGE_FIGURES = (
    "frechet_increase",
    "frechet_increase_error",
    "frechet_setback",
    "second_frechet_increase",
    "second_frechet_setback",
)


# What a change of the Fréchet distance is gated by, once there is a baseline; one for each judge.
SETBACKS = ("frechet_setback", "second_frechet_setback")

_PENDING = 256  # rows summed up at once
_IMAGE = np.empty(0, np.uint8)
_Sides = tuple[list[Moments], list[Moments], list[Moments]]  # real, candidate, baseline: one for each part


@dataclass
class ChangeSums:
    """Running sums of `ChangeCombiner`; `pending` rows are not in the sums yet."""

    first: _Sides
    second: _Sides  # in the second judge's eyes
    labels: np.ndarray  # int64 [C], real images of each class
    pending: list[Row] = field(default_factory=list)

    def __add__(self, other: ChangeSums) -> ChangeSums:
        return ChangeSums(_added(self.first, other.first), _added(self.second, other.second), self.labels + other.labels)


class ChangeCombiner(beam.CombineFn):
    """Relative growth of both judges' Fréchet distances; rows hold both sides' features, [2, draws, D]."""

    def __init__(self, calibration: str, classes: int, feature_size: int, second_size: int, least_margin: float) -> None:
        """Set up.

        Args:
            calibration: The calibration artifact's directory, which tells what chance does to a distance.
            classes: Number of classes C.
            feature_size: Length D of a feature.
            second_size: Length E of a feature of the second judge.
            least_margin: Relative increase to allow at least.
        """
        super().__init__()
        self._calibration, self._classes, self._least_margin = calibration, classes, least_margin
        self._sizes = feature_size, second_size

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the figures."""
        return CHANGE_FIGURES

    def create_accumulator(self) -> ChangeSums:
        """Return empty sums."""
        first, second = ([Moments.of(np.zeros((0, size)))] * PARTS for size in self._sizes)
        return ChangeSums((first, first, first), (second, second, second), np.zeros(self._classes, np.int64))

    def add_input(self, sums: ChangeSums, row: Row) -> ChangeSums:
        """Add one row."""
        sums.pending.append(row._replace(image=_IMAGE))
        return self.compact(sums) if len(sums.pending) >= _PENDING else sums

    def compact(self, sums: ChangeSums) -> ChangeSums:
        """Sum up the pending rows."""
        if not sums.pending:
            return sums
        rows = stack(sums.pending)
        first, second = (
            (by_part(real, rows.key), by_part(pair[:, 0], rows.key), by_part(pair[:, 1], rows.key))
            for real, pair in ((rows.real, rows.generated), (rows.real_second, rows.generated_second))
        )
        return sums + ChangeSums(first, second, np.bincount(rows.label, minlength=self._classes))

    def merge_accumulators(self, accumulators: list[ChangeSums]) -> ChangeSums:
        """Add sums to sums."""
        merged = self.create_accumulator()
        for sums in map(self.compact, accumulators):
            merged = merged + sums
        return merged

    def extract_output(self, sums: ChangeSums) -> dict[str, float]:
        """Compute the figures, of all classes together; a setback is what of an increase is beyond the margin."""
        sums = self.compact(sums)
        seen = np.count_nonzero(sums.labels)
        if not seen or (seen == 1 and self._classes > 1):
            return dict.fromkeys(self.names, float("nan"))
        halves = (shared_train_reference(self._calibration).halves(sums.labels, second=second) for second in (False, True))
        with threadpool_limits(1, user_api="blas"):  # see `quality`
            (increase, error), (second, second_error) = (
                compare(*sides, chance=2 * chance_of(*half) / FLOOR_IMAGES)
                for sides, half in zip((sums.first, sums.second), halves, strict=True)
            )
        return {
            "frechet_increase": increase,
            "frechet_increase_error": error,
            "frechet_setback": increase - margin(self._least_margin, error),
            "second_frechet_increase": second,
            "second_frechet_setback": second - margin(self._least_margin, second_error),
        }


def _added(sides: _Sides, others: _Sides) -> _Sides:
    real, candidate, baseline = (added(one, more) for one, more in zip(sides, others, strict=True))
    return real, candidate, baseline
