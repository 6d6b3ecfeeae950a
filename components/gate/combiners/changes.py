"""How much farther off than the served version a candidate is: computed on a bounded sample of pairs."""

from __future__ import annotations

from components.gate.combiners.bounded_sample import BoundedSampleCombiner, of_one_class
from components.gate.combiners.rows import Rows
from components.gate.figures.bootstrap import compare, margin

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

    def __init__(self, limit: int, classes: int, least_margin: float, share: float = 1.0) -> None:
        """Set up.

        Args:
            limit: Rows to keep.
            classes: Number of classes C.
            least_margin: Relative increase to allow at least.
            share: Share of the rows to choose from, by their keys.
        """
        super().__init__(limit, share)
        self._classes, self._least_margin = classes, least_margin

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the figures."""
        return CHANGE_FIGURES

    def figures(self, rows: Rows) -> dict[str, float]:
        """Compute the figures of a sample of all classes; a setback is what of an increase is beyond the margin."""
        if of_one_class(rows, self._classes):
            return dict.fromkeys(self.names, float("nan"))
        increase, error = compare(rows.real, rows.generated[:, 0], rows.generated[:, 1])
        second, second_error = compare(rows.real_second, rows.generated_second[:, 0], rows.generated_second[:, 1])
        return {
            "frechet_increase": increase,
            "frechet_increase_error": error,
            "frechet_setback": increase - margin(self._least_margin, error),
            "second_frechet_increase": second,
            "second_frechet_setback": second - margin(self._least_margin, second_error),
        }
