"""How much farther off than the served version a candidate is: computed on a bounded sample of pairs."""

from __future__ import annotations

import numpy as np
from threadpoolctl import threadpool_limits

from components.gate.combiners.bounded_sample import BoundedSampleCombiner, of_one_class
from components.gate.combiners.quality import FLOOR_IMAGES
from components.gate.combiners.rows import Rows, shared_train_reference
from components.gate.figures.comparison import compare, margin
from components.gate.figures.frechet import by_part, chance_of

CHANGE_FIGURES = (
    "frechet_increase",
    "frechet_increase_error",
    "frechet_setback",
    "second_frechet_increase",
    "second_frechet_setback",
)


# What a change of the Fréchet distance is gated by, once there is a baseline; one for each judge.
SETBACKS = ("frechet_setback", "second_frechet_setback")


class ChangeCombiner(BoundedSampleCombiner):
    """Relative growth of both judges' Fréchet distances; rows hold both sides' features, [2, draws, D]."""

    unused = ("image", "real_code", "generated_code")

    def __init__(self, calibration: str, limit: int, classes: int, least_margin: float, share: float = 1.0) -> None:
        """Set up.

        Args:
            calibration: The calibration artifact's directory, which tells what chance does to a distance.
            limit: Rows to keep.
            classes: Number of classes C.
            least_margin: Relative increase to allow at least.
            share: Share of the rows to choose from, by their keys.
        """
        super().__init__(limit, share)
        self._calibration, self._classes, self._least_margin = calibration, classes, least_margin

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the figures."""
        return CHANGE_FIGURES

    def figures(self, rows: Rows) -> dict[str, float]:
        """Compute the figures of a sample of all classes; a setback is what of an increase is beyond the margin."""
        if of_one_class(rows, self._classes):
            return dict.fromkeys(self.names, float("nan"))
        increase, error = self._compare(rows)
        second, second_error = self._compare(rows, second=True)
        return {
            "frechet_increase": increase,
            "frechet_increase_error": error,
            "frechet_setback": increase - margin(self._least_margin, error),
            "second_frechet_increase": second,
            "second_frechet_setback": second - margin(self._least_margin, second_error),
        }

    def _compare(self, rows: Rows, *, second: bool = False) -> tuple[float, float]:
        real, pair = (rows.real_second, rows.generated_second) if second else (rows.real, rows.generated)
        reference = shared_train_reference(self._calibration)
        halves = reference.halves(np.bincount(rows.label, minlength=self._classes), second=second)
        sides = (by_part(side, rows.key) for side in (real, pair[:, 0], pair[:, 1]))
        with threadpool_limits(1, user_api="blas"):  # see `quality`
            return compare(*sides, chance=2 * chance_of(*halves) / FLOOR_IMAGES)
