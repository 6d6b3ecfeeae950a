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
        "Fréchet distance / floor, unseen images",
        "distance to the unseen real images as a multiple of what the train images have, as of 10,000 images", "low", real=1.0,
        source="Heusel et al. 2017, Chong & Forsyth 2020",
    ),
    "train_frechet_ratio": Meaning(
        "Fréchet distance / floor, train images",
        "distance to the distribution that was learned as a multiple of what 30,000 train images have from 30,000 others", "low",
        real=1.0, source="Heusel et al. 2017, Chong & Forsyth 2020",
    ),
    "split_gap": Meaning("Part of the floor that is the split", "train and unseen images differ by more than chance", share=True),
    "pixel_shift": Meaning(
        "Pixels, mean", "largest difference of a pixel's mean, in standard deviations", "low", source="Nichols & Holmes 2002"
    ),
    "pixel_spread": Meaning("Pixels, spread", "largest ratio of a pixel's standard deviations, as a logarithm", "low"),
    "spectrum_shift": Meaning(
        "Frequencies, mean", "largest difference of a frequency's log-power, in standard deviations", "low",
        source="Dzanic et al. 2020",
    ),
    "spectrum_spread": Meaning("Frequencies, spread", "the same of its standard deviation, as a logarithm", "low"),
    "style_gap": Meaning(
        "Missing styles", "how differently the styles of each class are filled; 1 where half are missing", "low",
        source="Richardson & Weiss 2018",
    ),
    "outlier_share": Meaning(
        "Outliers", "share of images stranger than 99 % of unseen real ones", "low", share=True, real=0.01,
        source="Bates et al. 2023",
    ),
    "near_copy_share": Meaning(
        "Near copies", "the same as copies, with small shifts and turns undone", "low", share=True, real=0.01,
        source="Carlini et al. 2023",
    ),
    "leaked_share": Meaning(
        "Leakage", "share of images nearer to an unseen image than to any of as many train images", "low", share=True, real=0.5
    ),
    "best_frechet_ratio": Meaning("Fréchet / floor against the best pushed", "", "low", source="Blum & Hardt 2015"),
    "best_second_frechet_ratio": Meaning("The same, second judge", "", "low"),
    "best_recall": Meaning("Recall against the best pushed", "", "high", share=True),
    "best_label_agreement": Meaning("Label agreement against the best pushed", "", "high", share=True),
    "frechet_distance": Meaning("Fréchet distance", "between the judge's features of both sets", "low"),
    "frechet_floor": Meaning("Fréchet floor", "the same distance between two sets of real images"),
    "frechet_infinity": Meaning(
        "Fréchet distance, N → ∞", "extrapolated to infinitely many images", "low", source="Chong & Forsyth 2020"
    ),
    "kid": Meaning(
        "KID", "kernel distance, unbiased at any number of samples", "low", real=0.0, source="Bińkowski et al. 2018"
    ),
    "kid_error": Meaning("KID, standard error", "over its subsets", source="Bińkowski et al. 2018"),
    "precision": Meaning(
        "Precision", "share of generated images that look real", "high", share=True, source="Kynkäänniemi et al. 2019"
    ),
    "recall": Meaning(
        "Recall", "share of real images that the generator could draw", "high", share=True, source="Kynkäänniemi et al. 2019"
    ),
    # Neither way is better: of images all alike in a dense place it is far above that of real ones.
    "density": Meaning(
        "Density", "how deep among real images generated ones lie; best like real ones", real=1.0, source="Naeem et al. 2020"
    ),
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
    "second_train_frechet_ratio": Meaning(
        "Fréchet / floor, train images, second judge", "the same through a network of another kind", "low", real=1.0
    ),
    "second_split_gap": Meaning("Part of the floor that is the split, second judge", share=True),
    "second_frechet_infinity": Meaning("Fréchet distance, N → ∞, second judge", "", "low"),
    "second_frechet_distance": Meaning("Fréchet distance, second judge", "", "low"),
    "second_frechet_floor": Meaning("Fréchet floor, second judge", "the distance between two sets of real images"),
    "faulty_draws": Meaning("Faulty draws", "batches that could not be drawn", "low"),
}  # fmt: skip

# Counts and codes: not figures of quality.
INTERNAL = frozenset({"examples", "fault"})


def meaning(metric: str) -> Meaning:
    """Return what is known of a metric; one that isn't in the glossary speaks for itself."""
    return GLOSSARY.get(metric) or Meaning(metric.replace("_", " ").capitalize())
