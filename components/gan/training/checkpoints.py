"""Checkpoints of a training: written whole or not at all, the newest readable one wins."""

from __future__ import annotations

import shutil
from pathlib import Path

import tensorflow as tf

from components.progress import log_note
from serving.repository.errors import first_line

_KEPT = 2  # the newest, and one to fall back on
_KEPT_TRAININGS = 3  # working directories of other trainings, so that switching profiles loses nothing


class Checkpoints:
    """Saves and restores one training's state in a directory."""

    def __init__(self, checkpoint: tf.train.Checkpoint, directory: Path) -> None:
        """Watch a directory.

        Args:
            checkpoint: The state.
            directory: Where its checkpoints lie; made if missing.
        """
        self._checkpoint, self._directory = checkpoint, directory
        self._manager = tf.train.CheckpointManager(checkpoint, str(directory), max_to_keep=_KEPT, checkpoint_name="step")

    def save(self, step: int) -> None:
        """Write a checkpoint; the index that names it is replaced last, atomically."""
        self._manager.save(checkpoint_number=step)

    def restore(self) -> bool:
        """Restore the newest checkpoint that can be read whole; says whether there was one."""
        for path in reversed(self._manager.checkpoints):
            try:
                self._checkpoint.restore(path).assert_consumed()
            except (tf.errors.OpError, AssertionError, ValueError, IndexError) as error:
                log_note(f"checkpoint {Path(path).name} can't be read ({first_line(error, 120)}); trying the one before")
                continue
            return True
        return False


def working_directory(root: Path, training_key: str) -> Path:
    """Return the directory of one training, and drop those of the oldest others.

    It is named by the key of all that decides the weights: whatever run continues it ends with the same weights.
    """
    mine = root / training_key[:16]
    mine.mkdir(parents=True, exist_ok=True)
    others = sorted((path for path in root.iterdir() if path != mine and path.is_dir()), key=lambda path: path.stat().st_mtime)
    for path in others[: max(0, len(others) - _KEPT_TRAININGS)]:
        shutil.rmtree(path)
    return mine
