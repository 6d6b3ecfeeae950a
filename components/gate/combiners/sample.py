"""Figures of a bounded sample: neighbours, kernel distance, outliers, memorisation, copies, leakage."""

from __future__ import annotations

import numpy as np

from components.gate.combiners.bounded_sample import BoundedSampleCombiner, of_one_class
from components.gate.combiners.rows import Rows, matched_reference, shared_reference, shared_train_reference
from components.gate.figures.kid import kernel_distance
from components.gate.figures.leak import leaked_share
from components.gate.figures.memorisation import copying
from components.gate.figures.neighbours import NEIGHBOUR_FIGURES, neighbour_metrics
from components.gate.figures.outliers import outlier_share

FLOOR = "real_"  # begins the name of what other real images reach
_FLOORS = tuple(f"{FLOOR}{name}" for name in NEIGHBOUR_FIGURES)
SAMPLE_FIGURES = (
    *NEIGHBOUR_FIGURES,
    *_FLOORS,
    "kid",
    "kid_error",
    "outlier_share",
    "memorisation",
    "copied_share",
    "near_copy_share",
    "leaked_share",
)


class SampleCombiner(BoundedSampleCombiner):
    """Precision, recall, density, coverage, near-duplicates and their floors, KID, outliers, memorisation, copies, leakage."""

    unused = ("image", "real_second", "generated_second")

    def __init__(
        self,
        judge: str,
        calibration: str,
        classes: int,
        limit: int,
        precision_k: int,
        density_k: int,
        *,
        closeness: float = float("nan"),
        share: float = 1.0,
        floors: bool = True,
    ) -> None:
        """Set up.

        Args:
            judge: The judge artifact's directory, which holds the reference.
            calibration: The calibration artifact's directory, which holds what the train images are like.
            classes: Number of classes C.
            limit: Rows to keep.
            precision_k: Neighbours for precision and recall.
            density_k: Neighbours for density and coverage.
            closeness: What 1 % of held-out real images are closer to the train images than.
            share: Share of the rows to choose from, by their keys.
            floors: Whether to compute what other real images reach, and the kernel distance, besides.
        """
        super().__init__(limit, share)
        self._judge, self._calibration, self._classes = judge, calibration, classes
        self._ks, self._closeness, self._floors = (precision_k, density_k), closeness, floors

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the figures."""
        return SAMPLE_FIGURES

    def figures(self, rows: Rows) -> dict[str, float]:
        """Compute the figures of a sample's columns."""
        kid, kid_error = kernel_distance(rows.real, rows.generated) if self._floors else (float("nan"), float("nan"))
        return {
            **neighbour_metrics(rows.real, rows.generated, *self._ks),
            **self._of_all_classes(rows),
            "kid": kid,
            "kid_error": kid_error,
            "outlier_share": outlier_share(
                np.stack([rows.real_nearest, rows.real_residual]), np.stack([rows.generated_nearest, rows.generated_residual])
            ),
            **copying(rows.real_nearest, rows.generated_nearest),
            "near_copy_share": float((rows.closeness <= self._closeness).mean())
            if np.isfinite(rows.closeness).all() and np.isfinite(self._closeness)
            else float("nan"),
        }

    def _of_all_classes(self, rows: Rows) -> dict[str, float]:
        """Compute what nobody asks of a single class, and would cost as much for all classes as it does for the whole."""
        if of_one_class(rows, self._classes):
            return dict.fromkeys((*_FLOORS, "leaked_share"), float("nan"))
        codes = shared_train_reference(self._calibration).codes
        leaked = leaked_share(rows.generated_code, rows.real_code, codes)
        if not self._floors:
            return dict.fromkeys(_FLOORS, float("nan")) | {"leaked_share": leaked}
        reference = shared_reference(self._judge)
        counts = np.bincount(rows.label, minlength=self._classes)
        floor = neighbour_metrics(rows.real, reference.features[matched_reference(reference, counts)], *self._ks)
        return {**{f"{FLOOR}{name}": value for name, value in floor.items()}, "leaked_share": leaked}
