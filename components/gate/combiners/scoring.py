"""Score a whole set of generated images at once: the gate's own figures without Beam, for whatever was drawn elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import apache_beam as beam
import numpy as np

from components.gate.combiners.quality import CLASS_SHARE, QualityCombiner
from components.gate.combiners.rows import Row, View, rows_of, taken
from components.gate.combiners.sample import SampleCombiner
from components.gate.combiners.shared_traits import SharedTraitsCombiner

OVERALL = ""
Figures = dict[str, dict[str, float]]  # slice ("" or the label) -> name -> value


@dataclass(frozen=True)
class Scorer:
    """What the figures are computed with.

    Attributes:
        judge: The judge artifact's directory.
        calibration: The calibration artifact's.
        classes: Number of classes C.
        limit: Rows that the neighbour metrics look at.
        precision_k: Neighbours for precision and recall.
        density_k: Neighbours for density and coverage.
        closeness: What 1 % of held-out real images are closer to the train images than.
        floors: Whether to compute what other real images reach, and the kernel distance, besides.
    """

    judge: str
    calibration: str
    classes: int
    limit: int = 10_000
    precision_k: int = 5
    density_k: int = 5
    closeness: float = float("nan")
    floors: bool = True

    def score(
        self,
        real: View,
        labels: np.ndarray,
        keys: np.ndarray,
        generated: View,
        images: np.ndarray,
        answered: np.ndarray,
        *,
        per_class: bool = True,
    ) -> Figures:
        """Measure generated images against as many real ones, through the combiners that the gate runs on Beam.

        Args:
            real: View of held-out real images.
            labels: int64 [N], theirs.
            keys: int64 [N], hashes of their content.
            generated: View of N generated images.
            images: uint8 [N, H, W, C], these.
            answered: int64 [N], the classes of the generated images; -1 in every row for a generator without classes.
            per_class: Whether to score each class as well. Where the generated images aren't paired with real ones of their
                class, a class is scored on as many of either as there are of both.
        """
        rows = list(rows_of(real, labels, keys, generated, images, answered))
        overall, shares = self._figures(rows)
        figures: Figures = {OVERALL: overall}
        for label, share in enumerate(shares):
            figures[str(label)] = {CLASS_SHARE: share}
            if not per_class or (answered < 0).any():
                continue
            ours, theirs = np.flatnonzero(labels == label), np.flatnonzero(answered == label)
            count = min(len(ours), len(theirs))
            ours, theirs = ours[:count], theirs[:count]
            of_class = rows_of(
                taken(real, ours), labels[ours], keys[ours], taken(generated, theirs), images[theirs], answered[theirs]
            )
            figures[str(label)] |= self._figures(list(of_class))[0]
        return figures

    def _figures(self, rows: list[Row]) -> tuple[dict[str, float], list[float]]:
        """Compute the figures of rows, and the share of each class among what the judge sees in them."""
        sizes = rows[0].real.shape[0], rows[0].real_second.shape[0]
        quality = QualityCombiner(self.calibration, self.classes, *sizes)
        sample = SampleCombiner(
            self.judge,
            self.calibration,
            self.classes,
            self.limit,
            self.precision_k,
            self.density_k,
            closeness=self.closeness,
            floors=self.floors,
        )
        found = _combined(quality, rows)
        shares = found.pop(CLASS_SHARE)
        return found | _combined(sample, rows) | _combined(SharedTraitsCombiner(self.calibration), rows), shares


def _combined(combiner: beam.CombineFn, rows: list[Row]) -> dict[str, Any]:
    """Run a combiner without Beam."""
    accumulator = combiner.create_accumulator()
    for row in rows:
        accumulator = combiner.add_input(accumulator, row)
    return combiner.extract_output(accumulator)
