"""Draw from a generator that is to be judged, after the gate's own first look at it.

What it does wrong is named in words, and one that hangs is left behind.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from components.gate.drawing.draw import draw, in_time, load_generator
from components.gate.drawing.fault import fault_of
from components.gate.drawing.probe import probe_generator
from components.gate.verdict.verdict import FAULTY, Verdict
from serving.client.rows import chunks
from serving.repository import contract
from serving.repository.errors import UserError, first_line
from serving.repository.manifest import manifest_problem
from serving.saved_model.generator import version_directory

if TYPE_CHECKING:
    from serving.client import GeneratorClient

Images = tuple[np.ndarray, np.ndarray]  # uint8 [N, H, W, C] and their classes int64 [N], -1 for none
# Draws seeds int64 [N] and labels int64 [N].
Sampler = Callable[[np.ndarray, np.ndarray], Images]

_LOOK_ROWS = 16  # of a server: as many as the gate's own first look draws
_LOAD_S = 120.0  # seconds that loading may take: more than any request, as it compiles nothing but may read a slow disk


class Unfit(Exception):
    """What a generator does that keeps it from being judged, in words: the gate would refuse it for that."""


def open_model(directory: Path, classes: int, timeout_s: float, shape: tuple[int, ...]) -> Sampler:
    """Look at a SavedModel as the gate does, and return what draws from it.

    Args:
        directory: A version's directory, or a model base directory of which the newest version is taken.
        classes: Number of classes C.
        timeout_s: Seconds that each draw may take.
        shape: Height, width and channels of the real images.

    Raises:
        UserError: Nothing there, or a damaged version.
        Unfit: It can't be judged. What is returned raises this too.
    """
    version = version_directory(directory)
    if problem := manifest_problem(version):
        raise UserError(f"{version} is corrupt: {problem}; name another version, or push again with `forger run`")
    path = str(version)
    try:
        in_time(lambda: load_generator(path), max(timeout_s, _LOAD_S))
    except TimeoutError as error:
        raise Unfit(f"it can't be loaded: {error}") from None
    except Exception as error:  # TensorFlow and protobuf raise many kinds for a damaged file
        raise UserError(f"{version} cannot be loaded: {first_line(error)}; name another SavedModel") from error
    if problem := probe_generator(path, classes, timeout_s, shape=shape).problem:
        raise Unfit(problem)

    def sample(seeds: np.ndarray, labels: np.ndarray) -> Images:
        parts = []
        for rows in chunks(len(labels)):
            part = draw(path, seeds[rows], labels[rows], timeout_s, shape=shape)
            if part.fault:
                raise Unfit(": ".join(filter(None, (part.fault.text, part.detail))))
            parts.append(part)
        return np.concatenate([part.images for part in parts]), np.concatenate([part.answered for part in parts])

    return sample


def open_server(client: GeneratorClient, classes: int, shape: tuple[int, ...]) -> Sampler:
    """Look at what a server answers, as far as it can be seen through a server, and return what draws from it.

    Args:
        client: Its client, whose timeout holds for every call.
        classes: Number of classes C.
        shape: Height, width and channels of the real images.

    Raises:
        ClientError: The server can't be reached or refuses, doesn't answer in time, or answers other outputs.
        Unfit: It can't be judged. What is returned raises this too.
    """

    def sample(seeds: np.ndarray, labels: np.ndarray) -> Images:
        images, answered = client.sample(seeds, labels)
        if fault := fault_of(images, answered, labels, shape):
            raise Unfit(f"{fault.text}: {images.dtype} {list(images.shape)} to {len(labels)} labels")
        return images, answered

    labels = np.arange(_LOOK_ROWS, dtype=np.int64) % classes
    images, _ = sample(np.arange(_LOOK_ROWS, dtype=np.int64), labels)
    if problem := _value_problem(client, labels):
        raise Unfit(problem)
    if (images == images[0]).all():
        raise Unfit(f"it draws the same image for every one of {_LOOK_ROWS} seeds and all their labels")
    return sample


def refusal(problem: Unfit) -> Verdict:
    """Return the verdict on a generator that can't be judged, in the gate's own words."""
    return Verdict(blessed=False, reason=f"the generator cannot be judged: {problem}", causes=[FAULTY])


def _value_problem(client: GeneratorClient, labels: np.ndarray) -> str:
    """Look at values before they are cast to pixels, which would hide what is not a number."""
    signature = client.metadata().signatures.get(contract.SIGNATURE_DEFAULT)
    latent = signature.inputs.get(contract.INPUT_LATENT) if signature else None
    if latent is None or latent.shape[-1] is None:
        return f"it has no signature '{contract.SIGNATURE_DEFAULT}' that takes a latent"
    latents = np.random.default_rng(0).standard_normal((len(labels), latent.shape[-1])).astype(np.float32)
    finite = np.isfinite(client.sample_latent(latents, labels)).all()
    return "" if finite else "it emits values that are not finite numbers (NaN or infinity)"
