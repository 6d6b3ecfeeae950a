"""Whether a training that goes on from a checkpoint ends with the bits of an uninterrupted one, on the device at hand.

`python -m tests.benchmarks.gpu.resume FILE` trains three times on noise and compares all weights. On a CPU all three are
equal. A GPU may sum gradients in another order each time: then two uninterrupted trainings differ, too; the file says how much.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from pipeline.environment import prepare_tensorflow

prepare_tensorflow(quiet=True)

import numpy as np  # noqa: E402

from components.gan.input.source import InMemory  # noqa: E402
from components.gan.settings import GanSettings  # noqa: E402
from components.gan.train_state import TrainState  # noqa: E402
from components.gan.training.devices import choose_strategy, describe, dtype_policy  # noqa: E402
from components.gan.training.loop import train  # noqa: E402
from pipeline.config import resolve_config  # noqa: E402
from tests.benchmarks.machine import cpu  # noqa: E402

_STEPS = 400
_IMAGES = 2000


def main() -> None:
    """Measure, print, write the file."""
    settings = resolve_config("quick", [f"gan.steps={_STEPS}", f"gan.checkpoint_every={_STEPS // 2}"]).gan
    measured = measure(settings)
    Path(sys.argv[1]).write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(measured))


def measure(settings: GanSettings) -> dict[str, Any]:
    """Train twice from the start, and once from the first one's checkpoint half way.

    Args:
        settings: With a checkpoint half way.

    Returns:
        For the repeated and for the continued training the largest difference of any weight from the first one's;
        0 is bitwise equal.
    """
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (_IMAGES, 28, 28, 1), np.uint8), rng.integers(0, 10, _IMAGES)

    def trained(directory: Path) -> list[np.ndarray]:
        return _weights(train(InMemory(images, labels), 10, settings, directory))

    with tempfile.TemporaryDirectory() as root:
        first, again, continued = (Path(root) / name for name in ("first", "again", "continued"))
        weights = trained(first)
        repeated = _difference(weights, trained(again))
        shutil.copytree(first, continued)
        for file in (continued / "checkpoints").glob(f"step-{settings.steps}.*"):
            file.unlink()  # as if the training had been killed before its last checkpoint
        resumed = _difference(weights, trained(continued))
    device = describe(choose_strategy())
    return {"machine": cpu(), "device": device, "policy": dtype_policy(settings), "steps": settings.steps} | {
        "repeated": repeated,
        "continued": resumed,
    }


def _weights(state: TrainState) -> list[np.ndarray]:
    return [weight for network in (state.generator, state.discriminator, state.ema_generator) for weight in network.get_weights()]


def _difference(one: list[np.ndarray], other: list[np.ndarray]) -> float:
    return max(float(np.abs(a.astype(np.float64) - b).max()) for a, b in zip(one, other, strict=True))


if __name__ == "__main__":
    main()
