"""What the gate's figures mean, in words for the report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Meaning:
    """One figure, for people.

    Attributes:
        title: Its name.
        text: What it says, in one line.
        better: Which way is better; "" for neither.
        share: Whether it lies between 0 and 1.
        real: What real images reach by definition; None where that depends on the data.
        source: The paper it comes from.
    """

    title: str
    text: str = ""
    better: Literal["low", "high", ""] = ""
    share: bool = False
    real: float | None = None
    source: str = ""


GLOSSARY: dict[str, Meaning] = {
    "frechet_ratio": Meaning(
        "Fréchet distance / floor", "distance to real images as a multiple of what real images have", "low", real=1.0,
        source="Heusel et al. 2017",
    ),
    "frechet_distance": Meaning("Fréchet distance", "between the judge's features of both sets", "low"),
    "frechet_floor": Meaning("Fréchet floor", "the same distance between two sets of real images"),
    "frechet_infinity": Meaning(
        "Fréchet distance, N → ∞", "extrapolated to infinitely many samples", "low", source="Chong & Forsyth 2020"
    ),
    "kid": Meaning("KID", "kernel distance, unbiased at any number of samples", "low", source="Bińkowski et al. 2018"),
    "kid_error": Meaning("KID, standard error", "over its subsets", source="Bińkowski et al. 2018"),
    "precision": Meaning(
        "Precision", "share of generated images that look real", "high", share=True, source="Kynkäänniemi et al. 2019"
    ),
    "recall": Meaning(
        "Recall", "share of real images that the generator could draw", "high", share=True, source="Kynkäänniemi et al. 2019"
    ),
    "density": Meaning("Density", "how deep among real images generated ones lie", "high", real=1.0, source="Naeem et al. 2020"),
    "coverage": Meaning(
        "Coverage", "share of real images with a generated one nearby", "high", share=True, source="Naeem et al. 2020"
    ),
    "label_agreement": Meaning("Label agreement", "share of images seen as the class asked for", "high", share=True),
    "smallest_class_share": Meaning("Smallest class share", "of the class that is drawn least", "high", share=True),
    "class_share": Meaning("Class share", "of all that is drawn", share=True),
    "diversity": Meaning("Diversity within classes", "spread within a class, relative to real images", "high", real=1.0),
    "memorisation": Meaning(
        "Memorisation", "chance that a generated image is nearer to the train images than an unseen real one", "low", share=True,
        real=0.5, source="Meehan et al. 2020",
    ),
    "copied_share": Meaning(
        "Copies", "share of images nearer to a train image than 99 % of unseen real ones are", "low", share=True, real=0.01
    ),
    "duplicate_share": Meaning("Duplicates", "share of near-duplicates among what is drawn", "low", share=True),
    "second_frechet_ratio": Meaning(
        "Fréchet / floor, second judge", "the same through a network of another kind", "low", real=1.0
    ),
    "second_frechet_distance": Meaning("Fréchet distance, second judge", "", "low"),
    "second_frechet_floor": Meaning("Fréchet floor, second judge", "the distance between two sets of real images"),
    "faulty_draws": Meaning("Faulty draws", "batches that could not be drawn", "low"),
}  # fmt: skip

# Counts and codes: not figures of quality.
INTERNAL = frozenset({"examples", "fault"})


def meaning(metric: str) -> Meaning:
    """Return what is known of a metric; one that isn't in the glossary speaks for itself."""
    return GLOSSARY.get(metric) or Meaning(metric.replace("_", " ").capitalize())
