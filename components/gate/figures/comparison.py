"""How much farther from the real images a candidate is than what is served, and how far that can be trusted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from components.gate.figures.frechet import Moments, extrapolate, frechet_between, leave_one_out

ONE_SIDED = 1.645  # standard errors above which 5 % of a normal distribution lie
RARE = 2.326  # the same for 1 %: for a bar that is the luckiest of several figures
TWO_SIDED = 1.96  # those between which 95 % lie


def compare(
    real: Sequence[Moments], candidate: Sequence[Moments], baseline: Sequence[Moments], chance: float
) -> tuple[float, float]:
    """Measure how much farther from the real images a candidate is than a baseline.

    The distances are those of infinitely many images: what a finite number adds to both would hide a change, the more the fewer
    there are. The error is a paired jackknife's, in which the noise that both share cancels.

    Args:
        real: Sums over random parts of the real images.
        candidate: Sums over what the candidate drew for each part.
        baseline: The same of the baseline, from the same latents.
        chance: What chance alone adds at a fixed number of images, > 0: the least that a distance is taken for.

    Returns:
        The relative growth of the distance, 0 for equals, and its standard error; not-a-number where a distance can't be told.
    """
    rest = leave_one_out(real)
    ours, theirs = (
        extrapolate(np.array([frechet_between(one, truth) for one, truth in zip(leave_one_out(side), rest, strict=True)]))
        for side in (candidate, baseline)
    )
    served = max(float(theirs.mean()), 0.0) + chance
    if not served > 0:
        return float("nan"), float("nan")
    change = (ours - theirs) / served
    return float(change.mean()), float(change.std(ddof=1) / np.sqrt(len(change)))


def margin(least: float, error: float) -> float:
    """Return the relative increase that is allowed: `least`, or what noise exceeds in 5 of 100 comparisons of equals."""
    return max(least, ONE_SIDED * error)


def interval(value: float, error: float) -> tuple[float, float]:
    """Return the 95 % interval around a value."""
    return value - TWO_SIDED * error, value + TWO_SIDED * error
