"""Kernel distance between sets of features."""

from __future__ import annotations

import numpy as np

_BLOCKS = 10  # 10,000 images give blocks of 1,000, Bińkowski et al.'s own size


def kernel_distance(real: np.ndarray, generated: np.ndarray, blocks: int = _BLOCKS) -> tuple[float, float]:
    """KID with its standard error (Bińkowski et al. 2018).

    The unbiased squared maximum mean discrepancy with the kernel (x.y / D + 1)^3, averaged over disjoint blocks. Disjoint blocks
    are independent, so that their spread gives an honest standard error, and their cost is linear in N (Zaremba et al. 2013).

    Args:
        real: [N, D], in random order.
        generated: [N, D]; a row may depend on the real row of the same place (here: has its label), and on no other.
        blocks: Number of blocks.

    Returns:
        The mean and its standard error; zero on average for equal distributions, at times a little negative. Not-a-number where
        a block has fewer than two rows.
    """
    if len(real) < 2 * blocks:
        return float("nan"), float("nan")
    pairs = zip(np.array_split(real, blocks), np.array_split(generated, blocks), strict=True)
    found = np.array([_unbiased_mmd(one.astype(np.float64), other.astype(np.float64)) for one, other in pairs])
    return float(found.mean()), float(found.std(ddof=1) / np.sqrt(blocks))


def _unbiased_mmd(real: np.ndarray, generated: np.ndarray) -> float:
    """Gretton et al. 2012, equation 4: no pair of the same place enters, so that pairing rows by label adds no bias."""

    def mean(rows: np.ndarray, others: np.ndarray) -> float:
        values = (rows @ others.T / rows.shape[1] + 1) ** 3
        return (values.sum() - np.trace(values)) / (len(rows) * (len(rows) - 1))

    return mean(real, real) + mean(generated, generated) - 2 * mean(real, generated)
