"""What a person wants to see beside the figures: grids of the same latents, best and worst samples, suspected copies.

Their form on disk is told in `showcase_file.py`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from components.gate.combiners.keys import content_keys
from components.gate.combiners.rows import shared_judge, shared_memory, shared_reference
from components.gate.drawing.draw import draw
from components.gate.drawing.showcase_file import SHOWCASE_FILE
from components.gate.figures.neighbours import realism

_COLUMNS = 10
_SAMPLES = 2000  # drawn to choose from
_EXTREMES, _SUSPECTS = 20, 12
_REFERENCE = 5000  # real images that the realism score looks at


def make_showcase(
    directory: Path | str,
    judge: str,
    images: np.ndarray,
    labels: np.ndarray,
    classes: int,
    candidate: str,
    baseline: str | None,
    timeout_s: float,
) -> None:
    """Draw and write a showcase; a generator that fails on the way leaves none.

    Args:
        directory: The evaluation artifact's directory.
        judge: The judge artifact's directory.
        images: uint8 [N, H, W, C], held-out real images; the first ones are used.
        labels: int64 [N].
        classes: Number of classes C.
        candidate: SavedModel directory.
        baseline: The same of the served version, None for none.
        timeout_s: Seconds that one draw may take.
    """
    images, labels, shape = images[:_SAMPLES], labels[:_SAMPLES], images.shape[1:]
    keys = content_keys(images)
    drawn = draw(candidate, keys, labels, timeout_s, shape=shape)
    grid = _grid(images, labels, keys, classes)
    shown = draw(candidate, grid["seeds"].reshape(-1), np.repeat(np.arange(classes), _COLUMNS), timeout_s, shape=shape)
    if drawn.fault or shown.fault:
        return
    grid["candidate"] = shown.images.reshape(grid["real"].shape)
    if baseline:
        served = draw(baseline, grid["seeds"].reshape(-1), np.repeat(np.arange(classes), _COLUMNS), timeout_s, shape=shape)
        if not served.fault:
            grid["baseline"] = served.images.reshape(grid["real"].shape)
    extremes = _extremes(judge, drawn.images, drawn.answered)
    suspects = _suspects(judge, "suspicious", "nearest_train", drawn.images)
    suspects["suspicious_label"] = drawn.answered[suspects.pop("places")]
    real = _suspects(judge, "suspicious_real", "nearest_train_of_real", images)
    del real["places"]
    arrays: dict[str, Any] = {**grid, **extremes, **suspects, **real}  # any: NumPy's own stub takes one for `allow_pickle`
    np.savez_compressed(Path(directory) / SHOWCASE_FILE, **arrays)


def _grid(images: np.ndarray, labels: np.ndarray, keys: np.ndarray, classes: int) -> dict[str, np.ndarray]:
    """Real images of each class, black where there are too few, and the seeds that come with them."""
    real = np.zeros((classes, _COLUMNS, *images.shape[1:]), np.uint8)
    seeds = np.tile(np.arange(_COLUMNS), (classes, 1))
    for label in range(classes):
        chosen = np.flatnonzero(labels == label)[:_COLUMNS]
        real[label, : len(chosen)], seeds[label, : len(chosen)] = images[chosen], keys[chosen]
    return {"real": real, "seeds": seeds}


def _extremes(judge: str, images: np.ndarray, answered: np.ndarray) -> dict[str, np.ndarray]:
    features, probabilities = shared_judge(judge).features(images)
    reference = shared_reference(judge).features
    step = max(1, len(reference) // _REFERENCE)
    scores = realism(reference[::step], features)
    order = np.argsort(scores, kind="stable")
    found = {}
    for name, places in (("worst", order[:_EXTREMES]), ("best", order[::-1][:_EXTREMES])):
        found[name], found[f"{name}_label"], found[f"{name}_score"] = images[places], answered[places], scores[places]
        found[f"{name}_predicted"] = probabilities[places].argmax(1)
    return found


def _suspects(judge: str, name: str, train_name: str, images: np.ndarray) -> dict[str, np.ndarray]:
    memory = shared_memory(judge)
    distances, nearest = memory.nearest(images)
    places = np.argsort(distances, kind="stable")[:_SUSPECTS]
    return {
        name: images[places],
        train_name: memory.images[nearest[places]],
        f"{name}_distance": distances[places],
        "places": places,
    }
