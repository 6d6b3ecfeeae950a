"""Calibrate the gate on a dataset: how far each figure is off for real images, and for images with a known fault."""

from __future__ import annotations

import math
import time
from pathlib import Path

import numpy as np

from components.gate.calibration.faults import CATALOGUE, Held
from components.gate.calibration.noise import share_noise, trait_noise
from components.gate.calibration.record import SHORTFALL, Calibration, Response
from components.gate.calibration.trial import Trial
from components.gate.combiners.keys import content_keys
from components.gate.combiners.rows import Eyes, shared_eyes
from components.gate.figures.leak import leaked_share
from components.gate.figures.styles import styles_of
from components.gate.reference.train_reference import TrainReference
from components.progress import log_note

_FAULTY = 5000  # images that the faults are made of, where there are as many
_SPLITS_FROM = 60_000  # train images that real against real is measured on
_RATIOS = ("frechet_ratio", "second_frechet_ratio", "train_frechet_ratio", "second_train_frechet_ratio")


def calibrate(
    judge: str,
    train: tuple[np.ndarray, np.ndarray],
    unseen: tuple[np.ndarray, np.ndarray],
    directory: Path,
    *,
    classes: int,
    count: int,
) -> Calibration:
    """Calibrate, and write what the gate needs of it.

    Args:
        judge: The judge artifact's directory.
        train: Train images uint8 [N, H, W, C] and labels int64 [N].
        unseen: The same of the held-out split.
        directory: Where to write the train images' statistics and calibration.json.
        classes: Number of classes C.
        count: Images that the gate compares.
    """
    start = time.monotonic()
    eyes = shared_eyes(judge)
    directory.mkdir(parents=True, exist_ok=True)
    reference = TrainReference.of(*train, classes, eyes.judge, eyes.memory)
    reference.save(directory)
    count = min(count, len(unseen[0]))
    order = np.argsort(content_keys(unseen[0]), kind="stable")
    images, labels = unseen[0][order], unseen[1][order]
    few = train[0][:_SPLITS_FROM], train[1][:_SPLITS_FROM]
    of_few = reference if len(few[0]) == len(train[0]) else TrainReference.of(*few, classes, eyes.judge, eyes.memory)
    typical, noise, class_noise = trait_noise(*few, of_few, eyes.memory, count)
    log_note(f"real against real of {count} images: {time.monotonic() - start:.0f} s")
    trial = Trial(eyes, reference, _held(images, labels, train, reference, eyes), judge, directory)
    for name, share in trial.shares().items():
        typical[name], noise[name] = share, share_noise(share, count)
        class_noise[name] = share_noise(share, count // classes)
    noise[SHORTFALL] = class_noise[SHORTFALL]  # it is that of the worst class
    typical["leaked_share"], noise["leaked_share"] = _leak(eyes, train, images, count)
    responses = [response for number, kind in enumerate(CATALOGUE) for response in trial.respond(number, kind)]
    for response in responses:
        _correct(response, trial.honest, typical)
    found = Calibration(
        images=count,
        classes=classes,
        closeness=trial.closeness,
        typical=typical,
        noise=noise,
        class_noise=class_noise,
        responses=responses,
        seconds=time.monotonic() - start,
    )
    found.save(directory)
    return found


def _correct(response: Response, honest: dict[str, float], typical: dict[str, float]) -> None:
    """Tell what a fault does to a generator that learned from the train images.

    The faults are made of held-out images, which are nearer to each other than to the train images, and of few of them.
    """
    for name in (*_RATIOS, "leaked_share"):
        told = response.figures.get(name)
        moved = math.nan if told is None else told - honest[name] + typical.get(name, 1.0)
        response.figures[name] = moved if math.isfinite(moved) else None


def _held(
    images: np.ndarray, labels: np.ndarray, train: tuple[np.ndarray, np.ndarray], reference: TrainReference, eyes: Eyes
) -> Held:
    """Part the held-out images, in random order, into those that are unseen and those that faults are made of."""
    pairs = []
    for label in np.unique(labels):
        own = np.flatnonzero(labels == label)[: max(2 * round(_FAULTY * (labels == label).mean()), 2)]
        half = len(own) // 2
        pairs.append((own[:half], own[half : 2 * half]))
    unseen, ours = (np.concatenate(side) for side in zip(*pairs, strict=True))
    rng = np.random.default_rng(0)
    order = rng.permutation(len(ours))
    unseen, ours = unseen[order], ours[order]
    by_class = np.argsort(labels[ours], kind="stable")
    others = np.empty_like(ours)
    others[by_class] = np.roll(ours[by_class], len(ours) // 2)
    of_class = {label: np.flatnonzero(train[1] == label) for label in np.unique(labels[ours])}
    like = np.array([rng.choice(of_class[label]) for label in labels[ours]])
    return Held(
        images=images[ours],
        labels=labels[ours],
        styles=styles_of(eyes.memory.encode(images[ours]), labels[ours], reference.style_centres),
        others=images[others],
        train=train[0][like],
        unseen=images[unseen],
    )


def _leak(eyes: Eyes, train: tuple[np.ndarray, np.ndarray], unseen: np.ndarray, count: int) -> tuple[float, float]:
    """Measure how often train images lie nearer to the held-out ones than to as many other train images."""
    few = min(count, len(train[0]) // 2)
    ours, others, held_out = (eyes.memory.encode(some) for some in (train[0][:few], train[0][few : 2 * few], unseen[:few]))
    share = leaked_share(ours, held_out, others)
    return share, share_noise(share, 2 * count)
