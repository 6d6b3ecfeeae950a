"""The judge of unlabelled images. Nobody has named what they show, so it is asked what the images answer themselves.

First by how many quarter turns an image was turned. To tell, it must know what the parts of a thing look like and how they lie to
each other, which is what people see too, and not only textures (Gidaris et al. 2018, "Unsupervised Representation Learning by
Predicting Image Rotations"). Where images look alike whichever way up they are, as under a microscope, it is asked
instead to which group of similar images one belongs, shifted a little: groups by layout and colour, the coarse look of an image
(Caron et al. 2018, "Deep Clustering", with the groups of the pixels' principal components).
"""

from __future__ import annotations

from typing import NamedTuple

import keras
import numpy as np

from components.judge.memory import TrainMemory
from components.judge.settings import JudgeSettings
from components.judge.training import train_judge
from components.progress import log_note
from components.transform.pixels import scale
from serving.repository.errors import UserError

TURNS, CLUSTERS = "quarter turns", "groups of similar images"  # the objectives
_WAYS = 4  # turned by 0, 90, 180 and 270 degrees
_TURNS_BAR, _CLUSTERS_BAR = 0.35, 0.5  # share that must be told; of the turns a guess gives a quarter
_EACH_WAY = 20_000  # images up to which each is shown in all four ways; of more, each in one
_MEASURED = 5000  # test images that the share is measured on
_BATCH = 500
_MOST_CLUSTERS, _IMAGES_A_CLUSTER, _ROUNDS = 20, 25, 20


class Trained(NamedTuple):
    """A judge that was trained without labels.

    Attributes:
        network: From float32 [N, S, S, C] in [-1, 1] to (features float32 [N, D], logits float32 [N, 1], all 0: one group).
        objective: What it was asked for.
        accuracy: Share of test images that it answered rightly, 0..1.
    """

    network: keras.Model
    objective: str
    accuracy: float


def train_unlabelled_judge(images: np.ndarray, test_images: np.ndarray, memory: TrainMemory, settings: JudgeSettings) -> Trained:
    """Train a judge without labels.

    Args:
        images: uint8 [N, S, S, C].
        test_images: uint8 [M, S, S, C].
        memory: Of train images: knows their principal components.
        settings: The knobs; the same as with labels.

    Raises:
        UserError: Neither objective can be learnt; or as for `train_judge`.
    """
    shown, turns = turned(images, settings.seed)
    network = train_judge(shown, turns, settings, _WAYS)
    told = _told(network, *turned(test_images[:_MEASURED], settings.seed))
    log_note(f"unlabelled images: the judge tells which way up {told:.1%} of the test images are (bar: {_TURNS_BAR:.0%})")
    if told >= _TURNS_BAR:
        return Trained(_without_classes(network), TURNS, told)
    centres = cluster(memory.encode(images), settings.seed)
    network = train_judge(images, nearest(memory.encode(images), centres), settings, len(centres))
    told = _told(network, test_images[:_MEASURED], nearest(memory.encode(test_images[:_MEASURED]), centres))
    log_note(f"so it learns {len(centres)} groups of similar images, and tells {told:.1%} rightly (bar: {_CLUSTERS_BAR:.0%})")
    if told >= _CLUSTERS_BAR:
        return Trained(_without_classes(network), CLUSTERS, told)
    raise UserError(
        f"without labels the judge learns nothing of these images ({told:.0%} told, at least {_CLUSTERS_BAR:.0%} needed): "
        "put them into folders of classes, add images, or raise judge.steps"
    )


def turned(images: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Turn square images by quarter turns.

    Args:
        images: uint8 [N, S, S, C].
        seed: Of the choice, where each image is turned in one way.

    Returns:
        Turned images uint8 [4 N or N, S, S, C], and by how many quarter turns, int64.
    """
    if len(images) <= _EACH_WAY:
        ways = [np.rot90(images, turn, (1, 2)) for turn in range(_WAYS)]
        return np.concatenate(ways), np.repeat(np.arange(_WAYS, dtype=np.int64), len(images))
    turns = np.random.default_rng(seed).integers(0, _WAYS, len(images))
    shown = images.copy()
    for turn in range(1, _WAYS):
        shown[turns == turn] = np.rot90(images[turns == turn], turn, (1, 2))
    return shown, turns


def cluster(points: np.ndarray, seed: int) -> np.ndarray:
    """Find centres of groups by Lloyd's k-means.

    Args:
        points: float32 [N, D].
        seed: Of the first centres.

    Returns:
        float32 [K, D], 2 <= K <= 20, fewer for few points.
    """
    count = max(2, min(_MOST_CLUSTERS, len(points) // _IMAGES_A_CLUSTER))
    centres = points[np.random.default_rng(seed).choice(len(points), count, replace=False)]
    for _ in range(_ROUNDS):
        groups = nearest(points, centres)
        centres = np.stack(
            [points[groups == group].mean(0) if (groups == group).any() else centres[group] for group in range(count)]
        )
    return centres


def nearest(points: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Return int64 [N], the nearest of the centres [K, D] to each of the points [N, D]."""
    return ((centres**2).sum(1) - 2 * points @ centres.T).argmin(1)


def _told(network: keras.Model, images: np.ndarray, truth: np.ndarray) -> float:
    """Share of images whose most probable answer is the true one."""
    batches = [scale(images[start : start + _BATCH]) for start in range(0, len(images), _BATCH)]
    answers = np.concatenate([network(batch, training=False)[1].numpy().argmax(1) for batch in batches])
    return float((answers == truth).mean())


def _without_classes(network: keras.Model) -> keras.Model:
    """The same network, whose answer is the one group that unlabelled images are."""
    features = network.outputs[0]
    one_group = keras.layers.Dense(1, kernel_initializer="zeros", trainable=False, name="one_group", dtype="float32")(features)
    return keras.Model(network.input, (features, one_group), name="judge")
