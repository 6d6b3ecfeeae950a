"""Figures of what all generated images share: pixels, frequencies and styles, from sums by which the train images are known."""

from __future__ import annotations

from dataclasses import dataclass, field

import apache_beam as beam
import numpy as np

from components.gate.combiners.rows import Row, shared_train_reference, stack
from components.gate.figures.marginals import (
    Marginals,
    contrast,
    largest_mean_shift,
    largest_spread_shift,
    log_powers,
    pixel_values,
)
from components.gate.figures.styles import count_styles, style_gap
from serving.repository.contract import ANY_LABEL

_PENDING = 256  # rows summed up at once
_LEAST_POWER_VARIANCE = 1e-3  # of a logarithm: where every real image has the same power, a change of 3 % of it is none
TRAIT_FIGURES = ("pixel_shift", "pixel_spread", "spectrum_shift", "spectrum_spread", "style_gap")


@dataclass
class TraitSums:
    """Running sums of `SharedTraitsCombiner`; `pending` rows are not in the sums yet."""

    pixels: Marginals
    powers: Marginals
    labels: np.ndarray  # int64 [C], real images of each class
    styles: np.ndarray  # int64 [C, B], generated images in each bin of their class
    faulty: int = 0
    pending: list[Row] = field(default_factory=list)

    def __add__(self, other: TraitSums) -> TraitSums:
        return TraitSums(
            self.pixels + other.pixels,
            self.powers + other.powers,
            self.labels + other.labels,
            self.styles + other.styles,
            self.faulty + other.faulty,
        )


class SharedTraitsCombiner(beam.CombineFn):
    """Pixels' and frequencies' means and spreads against the train images', and how the styles of each class are filled."""

    names = TRAIT_FIGURES

    def __init__(self, calibration: str) -> None:
        """Set up with the calibration artifact's directory, which holds what the train images are like."""
        super().__init__()
        self._calibration = calibration

    def create_accumulator(self) -> TraitSums:
        """Return empty sums."""
        reference = shared_train_reference(self._calibration)
        sizes = reference.pixel_totals.shape[1], reference.power_totals.shape[1]
        labels = np.zeros(reference.classes, np.int64)
        nothing = Marginals.nothing(sizes[0]), Marginals.nothing(sizes[1])
        return TraitSums(*nothing, labels, np.zeros(reference.style_counts.shape, np.int64))

    def add_input(self, sums: TraitSums, row: Row) -> TraitSums:
        """Add one row."""
        sums.pending.append(row)
        return self.compact(sums) if len(sums.pending) >= _PENDING else sums

    def compact(self, sums: TraitSums) -> TraitSums:
        """Sum up the pending rows."""
        if not sums.pending:
            return sums
        rows = stack(sums.pending)
        reference = shared_train_reference(self._calibration)
        group = np.where(rows.answered == ANY_LABEL, rows.predicted, rows.answered)
        return sums + TraitSums(
            Marginals.of(pixel_values(rows.image)),
            Marginals.of(log_powers(rows.image)),
            np.bincount(rows.label, minlength=reference.classes),
            count_styles(rows.generated_code, group, reference.style_centres),
            int((rows.fault > 0).sum()),
        )

    def merge_accumulators(self, accumulators: list[TraitSums]) -> TraitSums:
        """Add sums to sums."""
        merged = self.create_accumulator()
        for sums in map(self.compact, accumulators):
            merged = merged + sums
        return merged

    def extract_output(self, sums: TraitSums) -> dict[str, float]:
        """Turn sums into figures; what can't be told is not-a-number."""
        sums = self.compact(sums)
        if sums.faulty or not sums.pixels.count:
            return dict.fromkeys(TRAIT_FIGURES, float("nan"))
        reference = shared_train_reference(self._calibration)
        return shared_traits(
            sums.pixels,
            sums.powers,
            sums.styles,
            (reference.pixels(sums.labels), reference.powers(sums.labels), reference.style_counts),
        )


def shared_traits(
    pixels: Marginals, powers: Marginals, styles: np.ndarray, reference: tuple[Marginals, Marginals, np.ndarray]
) -> dict[str, float]:
    """Compute the figures.

    Args:
        pixels: Sums over the pixels of generated images.
        powers: The same over their frequencies.
        styles: int64 [C, B], generated images in each bin of their class.
        reference: The same of train images of the same classes.
    """
    real_pixels, real_powers, real_styles = reference
    least = contrast(real_pixels)
    return {
        "pixel_shift": largest_mean_shift(pixels, real_pixels, least),
        "pixel_spread": largest_spread_shift(pixels, real_pixels, least),
        "spectrum_shift": largest_mean_shift(powers, real_powers, _LEAST_POWER_VARIANCE),
        "spectrum_spread": largest_spread_shift(powers, real_powers, _LEAST_POWER_VARIANCE),
        "style_gap": style_gap(styles, real_styles),
    }
