"""Leakage: whether generated images lie nearer to the held-out images than a generator that never saw them could bring them."""

from __future__ import annotations

import numpy as np

from components.gate.figures.neighbours import nearest_distances


def leaked_share(generated: np.ndarray, unseen: np.ndarray, train: np.ndarray) -> float:
    """Count the generated images that are nearer to an unseen image than to any of as many train images.

    Args:
        generated: float32 [N, K], principal components of pixels.
        unseen: float32 [M, K], the same of the held-out images.
        train: float32 [L, K], of train images; of the longer of the two only as many as of the shorter are looked at.

    Returns:
        At most 0.5 for a generator that learned from the train images, 1 for the held-out images themselves; not-a-number without
        rows, or if one isn't finite.
    """
    count = min(len(unseen), len(train))
    if not len(generated) or not count or not np.isfinite(generated).all():
        return float("nan")
    to_unseen, to_train = (nearest_distances(generated, side[:count]) for side in (unseen, train))
    return float((to_unseen < to_train).mean() + (to_unseen == to_train).mean() / 2)
