"""Trains a tiny GAN in a process of its own: python -m tests.support.train_tiny DIRECTORY [DEVICES] [STEPS] [INPUT] [FACTOR].

Where TF_CONFIG names several workers, this process is one of them. The chief writes its final weights to DIRECTORY/weights.npz
and its SavedModel to DIRECTORY/model. With a FACTOR the rates are multiplied by it after two thirds of the steps: the training
collapses, and stops early.
"""

import contextlib
import logging
import sys
import tempfile
from pathlib import Path

from pipeline.environment import prepare_tensorflow

prepare_tensorflow(quiet=True)

import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

from components.gan.export import export  # noqa: E402
from components.gan.input.source import open_source  # noqa: E402
from components.gan.settings import GanSettings  # noqa: E402
from components.gan.training import best as choosing  # noqa: E402
from components.gan.training.devices import choose_strategy  # noqa: E402
from components.gan.training.loop import train  # noqa: E402
from components.gan.training.workers import is_chief  # noqa: E402
from serving.repository.errors import UserError  # noqa: E402
from tests.support.collapsing import collapsing  # noqa: E402
from tests.support.shards import write_shards  # noqa: E402


def main() -> int:
    """Train; exit 2 with one line on a user's error, as the command does."""
    logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(message)s")
    directory = Path(sys.argv[1])
    devices, steps = (int(sys.argv[n]) if len(sys.argv) > n else default for n, default in ((2, 1), (3, 48)))
    if devices > 1:
        cpu = tf.config.list_physical_devices("CPU")[0]
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * devices)
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (200, 28, 28, 1), np.uint8), rng.integers(0, 3, 200)
    settings = GanSettings(
        steps=steps,
        checkpoint_every=8,
        sample_every=8,
        batch_size=16,
        width=8,
        latent_size=8,
        precision="float32",
        learning_rate=1e-4,
        final_learning_rate=1e-5,
        input=sys.argv[4] if len(sys.argv) > 4 else "memory",
        shuffle_buffer=60,
    )
    strategy = choose_strategy()
    failing = contextlib.nullcontext()
    if len(sys.argv) > 5:
        failing = collapsing(float(sys.argv[5]))
        choosing._LEAST_STEPS = 4
        settings = settings.model_copy(
            update={"looks": 12, "stop_after": 0.1, "learning_rate": 2e-3, "final_learning_rate": 1e-3}
        )
    try:
        with tempfile.TemporaryDirectory() as shards, failing:
            pattern = write_shards(Path(shards), images, labels, [60, 50, 40, 30, 20])
            state = train(open_source([pattern], settings, directory), 3, settings, directory, strategy)
    except UserError as error:
        print(error)
        return 2
    if is_chief():
        np.savez(directory / "weights.npz", *state.ema_generator.get_weights())
        export(state, directory / "model", "tiny", {})
    return 0


if __name__ == "__main__":
    sys.exit(main())
