"""Built generators, and which figures are to catch each one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from components.gate.combiners.keys import content_keys
from components.gate.combiners.rows import look, shared_eyes
from components.gate.combiners.scoring import OVERALL, Scorer
from tests.support.gate_builders import digits, save_calibration, save_judge, tiny_judge

# Figures that must fail; a case with none must pass them all.
CAUGHT: dict[str, tuple[str, ...]] = {
    "real images": (),
    "one image a class": ("recall", "coverage", "diversity", "duplicate_share", "frechet_ratio"),
    "one class collapsed": ("worst_class_recall", "worst_class_diversity"),
    "half collapsed": ("duplicate_share", "diversity"),
    "a class missing": ("smallest_class_share", "label_agreement", "worst_class_frechet_ratio"),
    "train images copied": ("memorisation", "copied_share"),
    "a fifth copied": ("copied_share",),
    "labels shuffled": ("label_agreement", "worst_class_frechet_ratio"),
    "blurred": ("frechet_ratio", "second_frechet_ratio", "recall", "coverage"),
    "noisy": ("frechet_ratio", "second_frechet_ratio", "coverage"),
    "inverted": ("frechet_ratio", "second_frechet_ratio", "precision", "coverage"),
    "pure noise": ("frechet_ratio", "second_frechet_ratio", "precision", "label_agreement"),
}


def make_cases(data: Path, directory: Path) -> Callable[[str], dict[str, float]]:
    """Prepare real images and judges.

    Args:
        data: A prepared MNIST.
        directory: Where the judges go.

    Returns:
        From a case's name to its overall figures, and the worst class's as `worst_class_*`.
    """
    train, train_labels = digits(data, "train[:3000]")
    judge = str(save_judge(directory / "judge", tiny_judge(data), train, train_labels))
    calibration = str(save_calibration(directory / "calibration", judge, train, train_labels))
    real, labels = digits(data, "test[:1000]")
    pool, pool_labels = digits(data, "test[1000:4000]")
    others, copies = (_same_labels(labels, *source) for source in ((pool, pool_labels), (train, train_labels)))
    eyes = shared_eyes(judge)
    view, keys = look(eyes, real), content_keys(real)
    closeness = float(np.quantile(look(eyes, others).closeness, 0.01))

    def run(name: str) -> dict[str, float]:
        images = _build(name, others, copies, labels)
        scored = Scorer(judge, calibration, 10, closeness=closeness).score(view, labels, keys, look(eyes, images), images, labels)
        overall = scored.pop(OVERALL)
        return overall | {
            "worst_class_frechet_ratio": max(figures["frechet_ratio"] for figures in scored.values()),
            "worst_class_recall": min(figures["recall"] for figures in scored.values()),
            "worst_class_diversity": min(figures["diversity"] for figures in scored.values()),
        }

    return run


def _same_labels(labels: np.ndarray, pool: np.ndarray, pool_labels: np.ndarray) -> np.ndarray:
    """Take images of a pool with the given labels, each at most once."""
    places = {label: iter(np.flatnonzero(pool_labels == label)) for label in np.unique(labels)}
    return pool[[next(places[label]) for label in labels]]


def _build(name: str, images: np.ndarray, copies: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """What the generator called `name` draws for the labels: of unseen real images, or of train images."""
    rng = np.random.default_rng(0)
    first = images[[np.flatnonzero(labels == label)[0] for label in labels]]  # the same image for all of a class
    at = (slice(None), None, None, None)
    if name == "one image a class":
        return first
    if name == "one class collapsed":
        return np.where((labels == 4)[at], first, images)
    if name == "half collapsed":
        return np.where((np.arange(len(labels)) % 2 == 0)[at], first, images)
    if name == "a class missing":
        return np.where((labels == 3)[at], images[rng.permutation(np.resize(np.flatnonzero(labels == 8), len(labels)))], images)
    if name == "train images copied":
        return copies
    if name == "a fifth copied":
        return np.where((np.arange(len(labels)) % 5 == 0)[at], copies, images)
    if name == "labels shuffled":
        return rng.permutation(images)
    if name == "blurred":
        wide = images.astype(np.float32)
        for axis in (1, 2):
            wide = sum(np.roll(wide, shift, axis) for shift in range(-2, 3)) / 5
        return wide.astype(np.uint8)
    if name == "noisy":
        return np.clip(images + rng.normal(0, 50, images.shape), 0, 255).astype(np.uint8)
    if name == "inverted":
        return 255 - images
    if name == "pure noise":
        return rng.integers(0, 256, images.shape).astype(np.uint8)
    return images
