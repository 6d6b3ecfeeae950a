"""What can be drawn from a generator, wherever it runs: each draw is written once, as the signatures that it runs in turn.

A draw is a Python generator: it yields a `Run`, is sent that run's outputs, and returns its result. `LocalGenerator` and both
gRPC clients drive it, each in its own way.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from . import contract
from .errors import ClientError
from .rows import labels_for, paired

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

T = TypeVar("T")
Wanted = TypeVar("Wanted")
Answer = TypeVar("Answer")
_HALF_RANGE = 127.5  # pixel 0 is -1.0, pixel 255 is +1.0


@dataclass(frozen=True)
class Run:
    """One signature to run.

    Attributes:
        signature: Its name.
        inputs: Arrays by alias; the first dimension is the rows.
        outputs: Dtype by alias of the outputs that are wanted, as NumPy names it; "object" for strings.
    """

    signature: str
    inputs: dict[str, np.ndarray]
    outputs: dict[str, str]


Draw = Generator[Run, "dict[str, np.ndarray]", T]


def drive(draw: Generator[Wanted, Answer, T], run: Callable[[Wanted], Answer]) -> T:
    """Answer all that a draw yields with `run`; return its result."""
    answer: Any = None  # what starts a generator
    while True:
        try:
            wanted = draw.send(answer)
        except StopIteration as end:
            return end.value
        answer = run(wanted)


async def drive_async(draw: Generator[Wanted, Answer, T], run: Callable[[Wanted], Awaitable[Answer]]) -> T:
    """`drive` with a `run` that is awaited."""
    answer: Any = None
    while True:
        try:
            wanted = draw.send(answer)
        except StopIteration as end:
            return end.value
        answer = await run(wanted)


def sample(seeds: ArrayLike, labels: ArrayLike) -> Draw[tuple[np.ndarray, np.ndarray]]:
    """Images uint8 [N, H, W, C] and labels int64 [N] of seeds int64 [N] and labels int64 [N]."""
    outputs = yield _by_seed(contract.SIGNATURE_SAMPLE, seeds, labels, contract.OUTPUT_IMAGE, "uint8")
    return outputs[contract.OUTPUT_IMAGE], outputs[contract.OUTPUT_LABEL]


def sample_png(seeds: ArrayLike, labels: ArrayLike) -> Draw[tuple[list[bytes], np.ndarray]]:
    """The images of `sample` as PNG files, and labels int64 [N]."""
    outputs = yield _by_seed(contract.SIGNATURE_SAMPLE_PNG, seeds, labels, contract.OUTPUT_PNG, "object")
    return list(outputs[contract.OUTPUT_PNG]), outputs[contract.OUTPUT_LABEL]


def latents(seeds: ArrayLike, labels: ArrayLike) -> Draw[tuple[np.ndarray, np.ndarray]]:
    """Latents float32 [N, Z] and labels int64 [N] that `sample` draws its images from."""
    outputs = yield _by_seed(contract.SIGNATURE_LATENT, seeds, labels, contract.OUTPUT_LATENT, "float32")
    return outputs[contract.OUTPUT_LATENT], outputs[contract.OUTPUT_LABEL]


def sample_latent(latents: ArrayLike, labels: ArrayLike) -> Draw[np.ndarray]:
    """Images float32 [N, H, W, C] in [-1, 1] of latents float32 [N, Z] and labels int64 [N]."""
    latents, labels = paired(latents, labels, latents=True)
    inputs = {contract.INPUT_LATENT: latents, contract.INPUT_LABEL: labels}
    outputs = yield Run(contract.SIGNATURE_DEFAULT, inputs, {contract.OUTPUT_IMAGE: "float32"})
    return outputs[contract.OUTPUT_IMAGE]


def interpolate(first: int, last: int, steps: int, label: int | None) -> Draw[tuple[np.ndarray, np.ndarray]]:
    """Images uint8 [steps, H, W, C] and labels int64 [steps] on the way from one seed to another (`slerp`)."""
    if steps < 2:
        raise ClientError(f"an interpolation needs at least 2 steps, not {steps}")
    ends, classes = yield from latents([first, last], labels_for(label, 2))
    path = slerp(ends[0], ends[1], np.linspace(0.0, 1.0, steps))
    chosen = np.where(np.arange(steps) < steps / 2, classes[0], classes[1])
    images = yield from sample_latent(path, chosen)
    # As the signature `sample` quantises, so that the ends are the images of their seeds.
    return np.clip(np.rint((images + 1.0) * _HALF_RANGE), 0, 255).astype(np.uint8), chosen


def slerp(first: np.ndarray, last: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Interpolate on a sphere (Shoemake 1985; White 2016 for latents): a straight line would pass through lengths never trained.

    Args:
        first: float [Z].
        last: float [Z].
        at: float [N], 0 for `first`, 1 for `last`.

    Returns:
        float32 [N, Z]; a straight line where the two point the same or the opposite way.
    """
    a, b, t = np.asarray(first, np.float64), np.asarray(last, np.float64), np.asarray(at, np.float64)[:, np.newaxis]
    lengths = np.linalg.norm(a) * np.linalg.norm(b)
    angle = np.arccos(np.clip(a @ b / lengths, -1.0, 1.0)) if lengths else 0.0
    if np.sin(angle) < 1e-6:
        return ((1.0 - t) * a + t * b).astype(np.float32)
    return ((np.sin((1.0 - t) * angle) * a + np.sin(t * angle) * b) / np.sin(angle)).astype(np.float32)


def _by_seed(signature: str, seeds: ArrayLike, labels: ArrayLike, output: str, dtype: str) -> Run:
    seeds, labels = paired(seeds, labels)
    inputs = {contract.INPUT_SEED: seeds, contract.INPUT_LABEL: labels}
    return Run(signature, inputs, {output: dtype, contract.OUTPUT_LABEL: "int64"})
