"""Memorisation: whether generated images lie nearer to train images than unseen real ones do."""

from __future__ import annotations

import numpy as np

# A generated image counts as a copy when it is nearer to a train image than this share of unseen real images are.
_COPY_QUANTILE = 0.01


def copying(real_nearest: np.ndarray, generated_nearest: np.ndarray) -> dict[str, float]:
    """Compare distances to the nearest train image (after Meehan et al. 2020).

    Their test ranks the distances of generated images among those of held-out real ones. The rank statistic (Mann & Whitney
    1947) is told as a probability, which, unlike their z-score, doesn't grow with the number of images.

    Args:
        real_nearest: [N], distances of held-out real images to their nearest train image.
        generated_nearest: [M], the same of generated images.

    Returns:
        `memorisation`: the probability that a generated image is nearer to the train images than an unseen real one; 0.5 for a
        generator as honest as nature, 1 for one that copies, below 0.5 for one that strays.
        `copied_share`: the share of generated images nearer than 99 % of unseen real ones; 0.01 for an honest generator. It
        sees a few copies among much else, where the probability hardly moves. Not-a-number without rows, or if one isn't finite.
    """
    if not len(real_nearest) or not len(generated_nearest):
        return {"memorisation": float("nan"), "copied_share": float("nan")}
    if not (np.isfinite(real_nearest).all() and np.isfinite(generated_nearest).all()):
        return {"memorisation": float("nan"), "copied_share": float("nan")}
    ordered = np.sort(real_nearest)
    nearer = np.searchsorted(ordered, generated_nearest, "left") + np.searchsorted(ordered, generated_nearest, "right")
    return {
        "memorisation": float(1 - nearer.mean() / 2 / len(ordered)),  # ties count half
        "copied_share": float((generated_nearest <= np.quantile(real_nearest, _COPY_QUANTILE)).mean()),
    }
