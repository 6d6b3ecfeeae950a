"""Figures of a bounded sample: neighbours, kernel distance, memorisation, and the noise of the Fréchet distance."""

from __future__ import annotations

import numpy as np

from components.gate.combiners.bounded_sample import BoundedSample, BoundedSampleCombiner, of_one_class
from components.gate.combiners.rows import Row, Rows, matched_reference, shared_reference
from components.gate.figures.bootstrap import frechet_error
from components.gate.figures.kid import kernel_distance
from components.gate.figures.memorisation import copying
from components.gate.figures.neighbours import NEIGHBOUR_FIGURES, neighbour_metrics

# Rows of the floor: what equal distributions reach hardly depends on their number, while the cost grows with its square.
_FLOOR_ROWS = 2000
FLOOR = "real_"  # begins the name of what other real images reach
_FLOORS = tuple(f"{FLOOR}{name}" for name in NEIGHBOUR_FIGURES)
SAMPLE_FIGURES = (*NEIGHBOUR_FIGURES, *_FLOORS, "kid", "kid_error", "memorisation", "copied_share", "frechet_error")
_NOTHING = np.empty(0, np.float32)


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

    def add_input(self, sample: BoundedSample, row: Row) -> BoundedSample:
        """Add one row, without what the figures don't look at."""
        return super().add_input(sample, row._replace(real_second=_NOTHING, generated_second=_NOTHING))

    def figures(self, rows: Rows) -> dict[str, float]:
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
