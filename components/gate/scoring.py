"""Score a whole set of generated images at once, from features."""

from __future__ import annotations

from typing import Any

import numpy as np

from components.gate.reference import Moments, class_shares, frechet_between, frechet_floor, neighbour_metrics


def matched_reference(reference_labels: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Choose reference rows with given class counts, as far as there are enough.

    Args:
        reference_labels: int64 [R].
        counts: int64 [C], rows wanted of each class.

    Returns:
        int64 [<= sum of counts]: indices into the reference, class by class, first come first.
    """
    return np.concatenate([np.flatnonzero(reference_labels == label)[:count] for label, count in enumerate(counts)])


def score(
    real_features: np.ndarray,
    real_labels: np.ndarray,
    gen_features: np.ndarray,
    gen_pred: np.ndarray,
    gen_labels: np.ndarray,
    reference_features: np.ndarray,
    reference_labels: np.ndarray,
    *,
    classes: int | None = None,
    precision_k: int = 3,
    density_k: int = 5,
    max_neighbours: int = 10_000,
    per_class: bool = True,
) -> dict[str, Any]:
    """Measure generated images against real ones, with the functions that the gate uses.

    Args:
        real_features: float [N, D], of held-out real images.
        real_labels: int64 [N].
        gen_features: float [M, D]; M = N for an unbiased ratio.
        gen_pred: int64 [M], the classes that the judge sees in the generated images.
        gen_labels: int64 [M], the classes asked for; -1 in every row for a generator without classes.
        reference_features: float [R, D], of real train images, at least as many of each class as in `real_labels`.
        reference_labels: int64 [R].
        classes: Number of classes; the largest real label + 1 if not given.
        precision_k: Neighbours for precision and recall.
        density_k: Neighbours for density and coverage.
        max_neighbours: Rows of each side that the neighbour metrics look at (the first ones).
        per_class: Whether to score each class as well. Generated rows are grouped by the label asked for; none has a group if the
            generator is unconditional.

    Returns:
        `frechet_distance`, `frechet_floor`, `frechet_ratio`, `precision`, `recall`, `density`, `coverage`, `label_agreement`
        (not-a-number if unconditional), `smallest_class_share`, `class_share` (list [C]) and, if asked for, `per_class`: a dict
        from label to the same figures of that class.
    """
    classes = classes or int(np.max(real_labels)) + 1
    conditional = bool((gen_labels >= 0).all())
    chosen = matched_reference(reference_labels, np.bincount(real_labels, minlength=classes))
    reference_features, reference_labels = reference_features[chosen], reference_labels[chosen]

    def figures_of(real: np.ndarray, generated: np.ndarray, reference: np.ndarray) -> dict[str, Any]:
        moments = Moments.of(real_features[real])
        distance = frechet_between(Moments.of(gen_features[generated]), moments)
        floor = frechet_floor(Moments.of(reference_features[reference]), moments)
        agreement = float((gen_pred == gen_labels)[generated].mean()) if conditional else float("nan")
        return {
            "frechet_distance": distance,
            "frechet_floor": floor,
            "frechet_ratio": distance / floor if floor > 0 else float("nan"),
            **neighbour_metrics(
                real_features[real][:max_neighbours], gen_features[generated][:max_neighbours], precision_k, density_k
            ),
            "label_agreement": agreement,
        }

    everything = slice(None)
    figures = figures_of(everything, everything, everything)
    shares = class_shares(np.bincount(real_labels, minlength=classes), np.bincount(gen_pred, minlength=classes))
    figures["smallest_class_share"] = float(shares.min())
    figures["class_share"] = shares.tolist()
    if per_class:
        figures["per_class"] = {
            label: figures_of(real_labels == label, gen_labels == label, reference_labels == label)
            for label in (range(classes) if conditional else ())
        }
    return figures
