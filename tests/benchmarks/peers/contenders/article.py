"""The article's dense GAN, by the project's own `article` recipe, which keeps it as it was."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pipeline.config import resolve_config
from tests.benchmarks.peers.contenders.forger import Ours


def make(images: np.ndarray, labels: np.ndarray, budget: float, seed: int, changes: Sequence[str]) -> Ours:
    """The `article` profile's settings; it has no schedule, so that the budget changes nothing but where it stops."""
    del budget
    return Ours(resolve_config("article", [*changes, "gan.steps=100000000", f"gan.seed={seed}"]).gan, images, labels)
