"""Outliers: generated images that are like no real one, which recall and coverage can even prefer."""

from __future__ import annotations

import numpy as np

# Of 10,000 held-out images 100 lie beyond, which tells the bound to a tenth; of 99.9 % only 10 would (Bates et al. 2023).
_QUANTILE = 0.99


def outlier_share(real: np.ndarray, generated: np.ndarray) -> float:
    """Count the generated images that are stranger than 99 % of held-out real ones.

    Args:
        real: [S, N], scores that grow with strangeness, each in a unit of its own: distance to the nearest train image, and what
            lies outside the train images' principal components.
        generated: [S, M], the same of generated images.

    Returns:
        0.01 for a generator as true as nature, whatever its number of images; not-a-number without rows, or if one isn't finite.
    """
    if not real.size or not generated.size or not (np.isfinite(real).all() and np.isfinite(generated).all()):
        return float("nan")
    units = np.maximum(np.quantile(real, _QUANTILE, axis=1, keepdims=True), np.finfo(np.float32).tiny)
    worst = (real / units).max(0), (generated / units).max(0)
    return float((worst[1] > np.quantile(worst[0], _QUANTILE)).mean())
