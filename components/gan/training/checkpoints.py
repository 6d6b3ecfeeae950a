"""Checkpoints of a training: written whole or not at all, the newest readable one wins."""

from __future__ import annotations

import functools
import shutil
from pathlib import Path

import tensorflow as tf

from components.gan.training.workers import is_chief
from components.progress import log_note
from serving.repository.errors import first_line

_NAME = "step"  # begins the checkpoints' names
_KEPT = 2  # the newest, and one to fall back on
_KEPT_TRAININGS = 3  # working directories of other trainings, so that switching profiles loses nothing


class Checkpoints:
    """Saves and restores one training's state in a directory."""

    def __init__(self, checkpoint: tf.train.Checkpoint, directory: Path) -> None:
        """Watch a directory.

        Args:
            checkpoint: The state.
            directory: Where its checkpoints lie; made by the first one.
        """
        self._checkpoint, self._directory = checkpoint, directory

    def save(self, step: int) -> None:
        """Write a checkpoint; the index that names it is replaced last, atomically."""
        self._manager.save(checkpoint_number=step)

    def restore(self) -> bool:
        """Restore the newest checkpoint that can be read whole; says whether there was one."""
        paths = self._on_disk()
        for path in reversed(paths):
            try:
                self._checkpoint.restore(path).assert_consumed()
            except (tf.errors.OpError, AssertionError, ValueError, IndexError) as error:
                log_note(f"checkpoint {Path(path).name} can't be read ({first_line(error, 120)}); trying the one before")
                continue
            return True
        if paths:
            log_note("no checkpoint can be read: the training begins anew")
        return False

    def forget(self) -> None:
        """Delete all checkpoints."""
        shutil.rmtree(self._directory, ignore_errors=True)

    def _on_disk(self) -> list[str]:
        """List the checkpoints by their own files, oldest first: TensorFlow's list of them may be damaged."""
        numbers = [path.stem.removeprefix(f"{_NAME}-") for path in self._directory.glob(f"{_NAME}-*.index")]
        return [str(self._directory / f"{_NAME}-{number}") for number in sorted(map(int, filter(str.isdecimal, numbers)))]

    @functools.cached_property
    def _manager(self) -> tf.train.CheckpointManager:
        """TensorFlow's, made by the one worker that saves; its list of checkpoints is first made that of the files."""
        directory, paths = str(self._directory), self._on_disk()
        if paths:
            written = [Path(f"{path}.index").stat().st_mtime for path in paths]
            tf.compat.v1.train.update_checkpoint_state(directory, paths[-1], paths, all_model_checkpoint_timestamps=written)
        else:
            (self._directory / "checkpoint").unlink(missing_ok=True)
        return tf.train.CheckpointManager(self._checkpoint, directory, max_to_keep=_KEPT, checkpoint_name=_NAME)


def working_directory(root: Path, training_key: str) -> Path:
    """Return the directory of one training; the first of its workers drops those of the oldest others.

    It is named by the key of all that decides the weights: whatever run continues it ends with the same weights.
    """
    mine = root / training_key[:16]
    mine.mkdir(parents=True, exist_ok=True)
    if not is_chief():
        return mine
    others = sorted((path for path in root.iterdir() if path != mine and path.is_dir()), key=lambda path: path.stat().st_mtime)
    for path in others[: max(0, len(others) - _KEPT_TRAININGS)]:
        shutil.rmtree(path, ignore_errors=True)
    return mine
