"""How far a comparison with the served version can be trusted: a paired bootstrap over the same latents."""

from __future__ import annotations

import numpy as np
from threadpoolctl import threadpool_limits

from components.gate.figures.frechet import Moments, frechet_between

_RESAMPLES = 100  # tells an error to about 7 %
_BLOCKS = 100  # of rows, resampled as wholes: sums of blocks are summed once, so that a resample costs no pass over the rows
_ONE_SIDED = 1.645  # standard errors above which 5 % of a normal distribution lie
_TWO_SIDED = 1.96


def bootstrap_distances(real: np.ndarray, *generated: np.ndarray, seed: int = 0) -> np.ndarray:
    """Fréchet distances of resampled rows; all sides of a row are resampled together, so that what they share cancels.

    Args:
        real: [N, D], in random order.
        *generated: [N, D] or [N, draws, D] each, row by row drawn for the same real image from the same latents.
        seed: Of the resampling.

    Returns:
        float64 [resamples, number of generators].
    """
    rng = np.random.default_rng(seed)
    centre = real.mean(0, dtype=np.float64)
    blocks = min(_BLOCKS, len(real))
    sides = [[_moments(rows) for rows in np.array_split(side - centre, blocks)] for side in (real, *generated)]
    counts = [np.array([block.count for block in side]) for side in sides]
    totals = [np.stack([block.total for block in side]) for side in sides]
    outers = [np.stack([block.outer for block in side]) for side in sides]
    found = []
    # One thread: on matrices this small, those of a busy machine's BLAS wait for each other 20 times as long as they work.
    with threadpool_limits(1, user_api="blas"):
        for _ in range(_RESAMPLES):
            weights = np.bincount(rng.integers(0, blocks, blocks), minlength=blocks)
            sums = [
                Moments(int(weights @ count), weights @ total, np.tensordot(weights, outer, 1))
                for count, total, outer in zip(counts, totals, outers, strict=True)
            ]
            found.append([frechet_between(one, sums[0]) for one in sums[1:]])
    return np.array(found)


def _moments(rows: np.ndarray) -> Moments:
    return Moments.of(rows.reshape(-1, rows.shape[-1]))


def compare(real: np.ndarray, candidate: np.ndarray, baseline: np.ndarray) -> tuple[float, float]:
    """Measure how much farther from the real images a candidate is than a baseline.

    Args:
        real: [N, D], in random order.
        candidate: [N, draws, D].
        baseline: [N, draws, D], paired with the candidate's rows.

    Returns:
        The candidate's Fréchet distance over the baseline's, minus 1, and the standard error of that; not-a-number with fewer
        than two rows or if one isn't finite.
    """
    if len(real) < 2 or not (np.isfinite(candidate).all() and np.isfinite(baseline).all()):
        return float("nan"), float("nan")
    truth = Moments.of(real)
    ours, theirs = (frechet_between(_moments(side), truth) for side in (candidate, baseline))
    if not theirs > 0:
        return float("nan"), float("nan")
    resampled = bootstrap_distances(real, candidate, baseline)
    # Resampling adds the same to both distances; their difference is free of it, their ratio would not be.
    return ours / theirs - 1, float((resampled[:, 0] - resampled[:, 1]).std(ddof=1)) / theirs


def margin(least: float, error: float) -> float:
    """Return the relative increase that is allowed: `least`, or what noise exceeds in 5 of 100 comparisons of equals."""
    return max(least, _ONE_SIDED * error)


def interval(value: float, error: float) -> tuple[float, float]:
    """Return the 95 % interval around a value."""
    return value - _TWO_SIDED * error, value + _TWO_SIDED * error
