"""The judge's bar: set by the data."""

import numpy as np
import pytest
from pydantic import ValidationError

from components.judge.bar import accuracy_bar, explained_bar
from components.judge.memory import TrainMemory
from components.judge.settings import JudgeSettings
from tests.support.shapes import COLOUR_32


def bar(noise: float, count: int = 400, **settings: float) -> float:
    """The bar for two classes, dark and bright, that noise makes harder to tell."""
    rng = np.random.default_rng(0)
    labels = np.arange(count) % 2
    values = rng.normal(100 + 40 * labels[:, None, None, None], 1, (count, *COLOUR_32)) + noise * rng.normal(
        size=(count, 1, 1, 1)
    )
    images = values.clip(0, 255).astype(np.uint8)
    half = count // 2
    memory = TrainMemory.of(images[:half], 8)
    return accuracy_bar(JudgeSettings(**settings), memory, labels[:half], images[half:], labels[half:])


def test_easy_classes_set_a_high_bar_and_hard_ones_a_low():
    assert bar(noise=1) == 1.0
    assert 0.5 < bar(noise=30) < bar(noise=15) < 1.0


def test_the_nearest_images_mistakes_are_cut_by_a_third():
    """Labels without a pattern: the nearest image is right half the time, 0.667 would be a third better, 2 deviations are let."""
    rng = np.random.default_rng(1)
    images, labels = rng.integers(0, 256, (4000, 16, 16, 1), np.uint8), rng.integers(0, 2, 4000)
    found = accuracy_bar(JudgeSettings(), TrainMemory.of(images[:2000], 8), labels[:2000], images[2000:], labels[2000:])
    assert found == pytest.approx(2 / 3 - 2 * np.sqrt(2 / 9 / 2000), abs=0.02)


def test_the_second_judge_is_held_to_what_main_components_keep():
    """All variance is along 3 directions: 3 components keep all of it, and one of equal strength a third."""
    rng = np.random.default_rng(2)
    directions = np.linalg.qr(rng.normal(size=(256, 3)))[0]
    values = 128 + (300 * rng.uniform(-1, 1, (3000, 3))) @ directions.T
    images = values.clip(0, 255).astype(np.uint8).reshape(-1, 16, 16, 1)
    memory = TrainMemory.of(images[:2000], 8)
    found = [explained_bar(JudgeSettings(encoder_size=2 + more), memory, images[2000:]) for more in (0, 1, 20)]
    assert found == pytest.approx([4 / 9, 2 / 3, 2 / 3], abs=0.02)
    assert explained_bar(JudgeSettings(min_explained=0.25), memory, images[2000:]) == 0.25


def test_the_setting_wins():
    assert bar(noise=1, min_accuracy=0.25) == 0.25


def test_a_bottleneck_wider_than_the_components_needs_a_bar_of_its_own():
    with pytest.raises(ValidationError, match="encoder_size=128 needs as many memory_components"):
        JudgeSettings(encoder_size=128)
    assert JudgeSettings(encoder_size=128, memory_components=128).min_explained is None
    assert JudgeSettings(encoder_size=128, min_explained=0.5).min_explained == 0.5
