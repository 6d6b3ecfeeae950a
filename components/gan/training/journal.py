"""What a training leaves for people: metrics.jsonl, TensorBoard scalars, sample grids, and warnings of GANs' two failures."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import tensorflow as tf
from PIL import Image

from components.gan.training.journal_files import METRICS_FILE, SAMPLES_DIR, TENSORBOARD_DIR, read_metrics, sample_path
from components.gan.training.outcome import Outcome, write_outcome
from components.grids import lay_out
from components.progress import log_note
from serving.repository.durable import remove_partials, replace_file, replacing

# Watched over this many log lines in a row, so that one odd batch warns nobody.
_PATIENCE = 3
_OVERPOWERED_ACCURACY = 0.995
_VANISHED_GRADIENT = 1e-3
_COLLAPSED_DIVERSITY = 0.5


class Journal:
    """Writes one training's journal into its working directory."""

    def __init__(self, directory: Path, resumed_at: int) -> None:
        """Open the journal, and drop what an interrupted run wrote after its last checkpoint."""
        self._directory = directory
        (directory / SAMPLES_DIR).mkdir(parents=True, exist_ok=True)
        remove_partials(directory / SAMPLES_DIR)  # they would travel with the artifact
        self._path = directory / METRICS_FILE
        kept = [line for line in read_metrics(directory) if line["step"] <= resumed_at]
        replace_file(self._path, "".join(json.dumps(line) + "\n" for line in kept))
        self._board = tf.summary.create_file_writer(str(directory / TENSORBOARD_DIR))
        self._streaks: dict[str, int] = {}

    def log(self, step: int, figures: dict[str, float]) -> None:
        """Append one line of figures and watch for the two failures of GANs."""
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"step": step, **{name: float(value) for name, value in figures.items()}}) + "\n")
        with self._board.as_default(step=step):
            for name, value in figures.items():
                tf.summary.scalar(name, value)
        overpowered = figures["d_accuracy"] > _OVERPOWERED_ACCURACY and figures["g_grad_norm"] < _VANISHED_GRADIENT
        self._watch(
            "the discriminator overpowers the generator: its gradient vanishes; lower gan.learning_rate or raise gan.gamma",
            step,
            overpowered,
        )
        collapsed = figures["diversity"] < _COLLAPSED_DIVERSITY
        self._watch(
            "mode collapse: generated images vary less than half as much as real ones; raise gan.gamma or gan.batch_size",
            step,
            collapsed,
        )

    def draw(self, step: int, images: np.ndarray) -> None:
        """Save uint8 [N, H, W, C] images, the same latents each time, as one near-square grid."""
        sheet = lay_out(images, columns=math.ceil(math.sqrt(len(images))))
        with replacing(sample_path(self._directory, step)) as file:
            Image.fromarray(sheet).save(file, format="PNG")
        with self._board.as_default(step=step):
            tf.summary.image("samples", sheet.reshape(1, *sheet.shape[:2], -1))

    def conclude(self, outcome: Outcome) -> None:
        """Write how the training ended."""
        write_outcome(self._directory, outcome)

    def close(self) -> None:
        """Flush everything to disk."""
        self._board.close()

    def _watch(self, warning: str, step: int, wrong: bool) -> None:
        streak = self._streaks.get(warning, 0) + 1 if wrong else 0
        self._streaks[warning] = streak
        if streak == _PATIENCE:
            log_note(f"warning at step {step}: {warning}")
