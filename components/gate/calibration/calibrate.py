"""Calibrate the gate on a dataset: how far each figure is off for real images, and for images with a known fault."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from components.gate.calibration.faults import CATALOGUE, FaultKind, Held
from components.gate.calibration.noise import share_noise, trait_noise
from components.gate.calibration.record import Calibration, Response
from components.gate.combiners.keys import content_keys
from components.gate.combiners.rows import Eyes, View, look, shared_eyes
from components.gate.combiners.scoring import OVERALL, Scorer
from components.gate.figures.leak import leaked_share
from components.gate.figures.styles import styles_of
from components.gate.reference.train_reference import TrainReference
from components.progress import log_note, report_progress

_FAULTY = 1000  # images that the faults are tried on: a share of 1 % is 10 of them
_COPY_QUANTILE = 0.01  # of held-out real images that count as near copies
_SPLITS_FROM = 60_000  # train images that real against real is measured on
# Shares that grow with what is wrong, beside the figures that they are told from.
_LABEL_ERROR, _SHORTFALL = "label_error", "class_shortfall"


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
    held = _held(images, labels, train, reference, eyes)
    few = slice(0, _SPLITS_FROM)
    typical, noise, class_noise = trait_noise(
        train[0][few], train[1][few], _few(reference, train, few, eyes, classes), eyes.memory, count
    )
    log_note(f"real against real of {count} images: {time.monotonic() - start:.0f} s")
    view, base = (look(eyes, side) for side in (held.unseen, held.images))
    closeness = float(np.quantile(np.concatenate([view.closeness, base.closeness]), _COPY_QUANTILE))
    scorer = Scorer(judge, str(directory), classes, closeness=closeness, floors=False)
    keys = content_keys(held.unseen)
    honest = _score(scorer, view, held, keys, base, held.images)
    shares = {
        "outlier_share": 0.01,
        "copied_share": 0.01,
        "near_copy_share": 0.01,
        "duplicate_share": 0.01,
        _LABEL_ERROR: honest[_LABEL_ERROR],
        _SHORTFALL: 2 * honest[_LABEL_ERROR],
    }
    for name, share in shares.items():
        typical[name], noise[name] = share, share_noise(share, count)
        class_noise[name] = share_noise(share, count // classes)
    noise[_SHORTFALL] = class_noise[_SHORTFALL]  # it is that of the worst class
    typical["leaked_share"], noise["leaked_share"] = _leak(eyes, train, images, count)
    responses = _respond(scorer, eyes, held, keys, view, base)
    for response in responses:
        # The faults are made of held-out images, which lie nearer to each other than what was learned from train images does.
        told = response.figures["leaked_share"]
        response.figures["leaked_share"] = None if told is None else told - honest["leaked_share"] + typical["leaked_share"]
    found = Calibration(
        images=count,
        classes=classes,
        closeness=closeness,
        typical=typical,
        noise=noise,
        class_noise=class_noise,
        responses=responses,
        seconds=time.monotonic() - start,
    )
    found.save(directory)
    return found


def _few(reference: TrainReference, train: tuple[np.ndarray, np.ndarray], few: slice, eyes: Eyes, classes: int) -> TrainReference:
    """Return the reference of some train images, which is that of all where there are no more."""
    return reference if len(train[0]) <= few.stop else TrainReference.of(train[0][few], train[1][few], classes, *eyes[:2])


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
    like = np.array([rng.choice(np.flatnonzero(train[1] == label)) for label in labels[ours]])
    return Held(
        images=images[ours],
        labels=labels[ours],
        styles=styles_of(eyes.memory.encode(images[ours]), labels[ours], reference.style_centres),
        others=images[others],
        train=train[0][like],
        unseen=images[unseen],
    )


def _score(scorer: Scorer, view: View, held: Held, keys: np.ndarray, drawn: View, images: np.ndarray) -> dict[str, float]:
    figures = scorer.score(view, held.labels, keys, drawn, images, held.labels, per_class=False)[OVERALL]
    return figures | {
        _LABEL_ERROR: 1 - figures["label_agreement"],
        _SHORTFALL: 1 - figures["smallest_class_share"] * scorer.classes,
    }


def _leak(eyes: Eyes, train: tuple[np.ndarray, np.ndarray], unseen: np.ndarray, count: int) -> tuple[float, float]:
    """Measure how often train images lie nearer to the held-out ones than to as many other train images."""
    few = min(count, len(train[0]) // 2)
    ours, others, held_out = (eyes.memory.encode(some) for some in (train[0][:few], train[0][few : 2 * few], unseen[:few]))
    share = leaked_share(ours, held_out, others)
    return share, share_noise(share, 2 * count)


def _respond(scorer: Scorer, eyes: Eyes, held: Held, keys: np.ndarray, view: View, base: View) -> list[Response]:
    """Try each fault of the catalogue at each of its strengths."""
    found = []
    for number, kind in enumerate(CATALOGUE):
        report_progress("calibrating the gate", number, len(CATALOGUE), "faults")
        rng = np.random.default_rng(number)
        whole = kind.make(held, 1.0, rng) if kind.partial else None
        wrong = look(eyes, whole, copies=_copies(kind)) if whole is not None else None
        for strength in kind.strengths:
            if whole is not None and wrong is not None:
                faulty = np.arange(len(held.images)) < round(strength * len(held.images))
                images = np.where(faulty[:, np.newaxis, np.newaxis, np.newaxis], whole, held.images)
                drawn = View(*map(_spliced(faulty), wrong, base))
            else:
                images = kind.make(held, strength, rng)
                drawn = look(eyes, images, copies=False)
            if not _copies(kind):
                drawn = drawn._replace(closeness=base.closeness)
            figures = _score(scorer, view, held, keys, drawn, images)
            found.append(
                Response(
                    fault=kind.name,
                    unit=kind.unit,
                    strength=strength,
                    must=strength == kind.refused_from,
                    seen_by=kind.figures,
                    figures={
                        name: value if np.isfinite(value) else None for name, value in figures.items() if np.ndim(value) == 0
                    },
                )
            )
    return found


def _copies(kind: FaultKind) -> bool:
    return "near_copy_share" in kind.figures


def _spliced(faulty: np.ndarray) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """Return what takes faulty rows from one array and the others from another."""

    def splice(wrong: np.ndarray, right: np.ndarray) -> np.ndarray:
        return np.where(faulty.reshape(-1, *[1] * (wrong.ndim - 1)), wrong, right)

    return splice
