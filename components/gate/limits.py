"""Where the gate's limits come from: the user, the calibration, or what is known of a dataset.

What is right for an artefact figure does not depend on how good a GAN can get, so its limit follows from the data alone. What a
GAN can reach does depend on the data: tight limits are known for some datasets, and for the others there are lenient ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from components.gate.settings import AUTO, GateSettings


@dataclass(frozen=True)
class Calibrated:
    """A figure whose limit the calibration gives.

    Attributes:
        setting: Name in GateSettings.
        metric: TFMA's name of the figure that is gated.
        figure: The calibration's name; it grows with what is wrong.
        kind: Whether the metric's limit is an upper or a lower one.
        of_classes: Whether each class by itself is gated as well.
    """

    setting: str
    metric: str
    figure: str
    kind: Literal["max", "min"] = "max"
    of_classes: bool = False

    def limit(self, worst: float, classes: int) -> float:
        """Turn the limit of the calibration's figure into that of the metric."""
        if self.metric == "label_agreement":
            return 1 - worst
        return (1 - worst) / classes if self.metric == "smallest_class_share" else worst

    def worst(self, limit: float, classes: int) -> float:
        """Turn the limit of the metric back into that of the calibration's figure."""
        if self.metric == "label_agreement":
            return 1 - limit
        return 1 - limit * classes if self.metric == "smallest_class_share" else limit


CALIBRATED = (
    Calibrated("max_pixel_shift", "pixel_shift", "pixel_shift", of_classes=True),
    Calibrated("max_pixel_spread", "pixel_spread", "pixel_spread"),
    Calibrated("max_spectrum_shift", "spectrum_shift", "spectrum_shift", of_classes=True),
    Calibrated("max_spectrum_spread", "spectrum_spread", "spectrum_spread"),
    Calibrated("max_style_gap", "style_gap", "style_gap", of_classes=True),
    Calibrated("max_outlier_share", "outlier_share", "outlier_share", of_classes=True),
    Calibrated("max_duplicate_share", "duplicate_share", "duplicate_share"),
    Calibrated("max_copied_share", "copied_share", "copied_share"),
    Calibrated("max_near_copy_share", "near_copy_share", "near_copy_share"),
    Calibrated("max_leaked_share", "leaked_share", "leaked_share"),
    Calibrated("min_label_agreement", "label_agreement", "label_error", "min"),
    Calibrated("min_class_share", "smallest_class_share", "class_shortfall", "min"),
)

# What a GAN of this size can reach, with room for the seed and for half of the training time.
_REACHED: dict[str, dict[str, float]] = {
    "mnist": {
        "max_frechet_ratio": 2.0,
        "max_class_frechet_ratio": 4.0,
        "max_second_frechet_ratio": 2.0,
        "max_class_second_frechet_ratio": 4.0,
        "min_precision": 0.8,
        "min_recall": 0.75,
        "min_class_recall": 0.6,
        "min_coverage": 0.8,
        "min_diversity": 0.85,
        "min_class_diversity": 0.75,
    },
}
_LENIENT: dict[str, float] = {
    "max_frechet_ratio": 5.0,
    "max_class_frechet_ratio": 10.0,
    "max_second_frechet_ratio": 10.0,
    "max_class_second_frechet_ratio": 15.0,
    "min_precision": 0.65,
    "min_recall": 0.6,
    "min_class_recall": 0.4,
    "min_coverage": 0.65,
    "min_diversity": 0.7,
    "min_class_diversity": 0.5,
}


def reach_limits(settings: GateSettings, dataset: str) -> tuple[dict[str, float | None], list[str]]:
    """Settle the limits that depend on what a GAN can reach.

    Args:
        settings: The gate's.
        dataset: TFDS name, with its configuration.

    Returns:
        The limit by the setting's name, None where it isn't gated; and the names of those that are lenient.
    """
    known = _REACHED.get(dataset, {})
    limits, lenient = {}, []
    for name, fallback in _LENIENT.items():
        chosen = getattr(settings, name)
        if chosen == AUTO:
            chosen = known.get(name, fallback)
            lenient += [] if name in known else [name]
        limits[name] = chosen
    return limits, lenient


def is_automatic(settings: GateSettings, calibrated: Calibrated) -> bool:
    """Tell whether the calibration gives a figure's limit."""
    return getattr(settings, calibrated.setting) == AUTO
