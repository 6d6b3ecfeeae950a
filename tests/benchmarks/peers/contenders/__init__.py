"""The GANs that compete, each behind the same three calls."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Protocol

import numpy as np

SCHEDULED = ("forger",)  # those whose schedule follows the time they get: trained anew for each time
NAMES = ("forger", "article", "dcgan", "wgan_gp")
TITLES = {
    "forger": "Forger (conv recipe)",
    "article": "the article's dense GAN",
    "dcgan": "TensorFlow tutorial's DCGAN",
    "wgan_gp": "WGAN-GP as a Keras train_step",
}


class Contender(Protocol):
    """A GAN under training."""

    images_seen: int
    conditional: bool  # whether it knows classes

    def train(self, seconds: float) -> float:
        """Train for about this many seconds more; returns the seconds that it took."""

    def draw(self, labels: np.ndarray) -> np.ndarray:
        """Draw uint8 [N, H, W, C], of these classes (int64 [N]) where the GAN knows classes."""


def make(name: str, images: np.ndarray, labels: np.ndarray, budget: float, seed: int, changes: Sequence[str]) -> Contender:
    """Build a contender.

    Args:
        name: One of NAMES.
        images: uint8 [N, H, W, C], what it trains on.
        labels: int64 [N].
        budget: Seconds of training that it will get in all; what plans a schedule may use it.
        seed: Seeds what it draws by itself; Keras's own generators are seeded already.
        changes: Settings of this project's recipes, "gan.width=32"; the peers have none.
    """
    return importlib.import_module(f"{__name__}.{name}").make(images, labels, budget, seed, changes)
