"""The judge without labels: what it is asked, when it is asked something else, and what the gate sees of it."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from components.judge.features import Judge
from components.judge.memory import TrainMemory
from components.judge.settings import JudgeSettings
from components.judge.unlabelled import CLUSTERS, TURNS, cluster, nearest, train_unlabelled_judge, turned
from serving.repository.errors import UserError
from tests.support.image_folders import drawn

SETTINGS = JudgeSettings(steps=150, batch_size=64, feature_size=16)


def faces(count: int, seed: int) -> np.ndarray:
    """Things that stand upright: two dots above a line, anywhere, in any colour."""
    rng = np.random.default_rng(seed)
    images = []
    for _ in range(count):
        image = Image.new("RGB", (20, 20), tuple(rng.integers(0, 90, 3).tolist()))
        draw, (left, top) = ImageDraw.Draw(image), rng.integers(0, 8, 2).tolist()
        colour = tuple(rng.integers(150, 256, 3).tolist())
        draw.rectangle((left, top, left + 2, top + 2), fill=colour)
        draw.rectangle((left + 7, top, left + 9, top + 2), fill=colour)
        draw.rectangle((left, top + 8, left + 9, top + 10), fill=colour)
        images.append(np.asarray(image))
    return np.stack(images)


def blobs(count: int, first: int) -> np.ndarray:
    """Things that look alike from all sides."""
    return np.stack([np.asarray(drawn(first + number, "circle", (20, 20))) for number in range(count)])


def trained(images: np.ndarray, test: np.ndarray):
    return train_unlabelled_judge(images, test, TrainMemory.of(images, 16), SETTINGS)


def test_what_stands_upright_is_told_by_its_turns():
    judge = trained(faces(300, 0), faces(100, 1))
    assert (judge.objective, judge.accuracy > 0.8) == (TURNS, True)
    features, probabilities = Judge.of_networks(judge.network).features(faces(50, 2))
    assert (features.shape, probabilities.shape) == ((50, 16), (50, 1))
    assert (probabilities == 1).all()  # one group
    assert features.std(0).min() > 0


def test_what_has_no_upright_is_told_by_groups():
    judge = trained(blobs(600, 0), blobs(200, 5000))
    assert (judge.objective, judge.accuracy > 0.5) == (CLUSTERS, True)


def test_the_same_seed_gives_the_same_judge():
    one, two = (trained(faces(60, 0), faces(30, 1)).network.get_weights() for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))


def test_noise_is_refused():
    noise = np.random.default_rng(0).integers(0, 256, (200, 20, 20, 3), dtype=np.uint8)
    with pytest.raises(UserError, match="without labels the judge learns nothing of these images"):
        trained(noise[:150], noise[150:])


def test_each_image_is_shown_in_all_ways_or_many_in_one(monkeypatch):
    images = faces(8, 0)
    shown, turns = turned(images, 0)
    assert np.bincount(turns).tolist() == [8, 8, 8, 8]
    np.testing.assert_array_equal(shown[turns == 1], np.rot90(images, 1, (1, 2)))
    monkeypatch.setattr("components.judge.unlabelled._EACH_WAY", 7)
    shown, turns = turned(images, 0)
    for image, was, turn in zip(shown, images, turns, strict=True):
        np.testing.assert_array_equal(image, np.rot90(was, turn))


def test_groups_are_those_that_lie_together():
    rng = np.random.default_rng(0)
    points = np.concatenate([rng.normal(place, 0.1, (60, 4)) for place in (-5, 0, 5)]).astype(np.float32)
    groups = nearest(points, cluster(points, 0))
    assert not {*groups[:60]} & {*groups[60:120]}
    assert len(np.unique(groups)) <= 7
