"""Small images and settings that train in seconds."""

import numpy as np
import pytest

from components.gan.settings import GanSettings


@pytest.fixture(scope="session")
def images() -> tuple[np.ndarray, np.ndarray]:
    """600 images of 3 classes: a bar at a place that depends on the class, with noise."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 600)
    drawn = rng.integers(0, 30, (600, 28, 28, 1))
    for row, label in enumerate(labels):
        drawn[row, 4 + 8 * label : 9 + 8 * label, 4:24] += 200
    return drawn.astype(np.uint8), labels.astype(np.int64)


@pytest.fixture
def settings() -> dict[str, GanSettings]:
    """Tiny settings of both recipes."""
    common = {"steps": 24, "checkpoint_every": 8, "sample_every": 12, "batch_size": 16, "width": 8, "latent_size": 8}
    return {recipe: GanSettings(recipe=recipe, **common) for recipe in ("conv", "article")}
