"""The home directory: where all state of a user lies, and who may write it."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pipeline.home.moving import rewrite_paths
from serving.repository.durable import replace_file
from serving.repository.errors import UserError
from serving.repository.layout import model_name
from serving.repository.locks import is_locked, locked

DEFAULT_HOME = Path(".forger")
_FORMAT = 1  # of the home's layout; another one is not read
_PATTERN = "[]*?\\"  # characters that mean something to TensorFlow and Beam, which take a path for a pattern of paths
_MIN_FREE_BYTES = 1 << 30  # TFDS records, TFX artifacts and checkpoints of one run of MNIST need about 300 MB


@dataclass(frozen=True)
class Home:
    """Paths inside one home directory; absolute, because TFX records them."""

    path: Path

    @classmethod
    def at(cls, path: Path) -> Home:
        """Name a home without touching the disk.

        Raises:
            UserError: Its path holds characters that TensorFlow takes for a pattern.
        """
        plain = Path(path).expanduser().absolute()
        short = Path(os.path.normpath(plain))  # without "..", which leads elsewhere after a symbolic link
        home = cls(short if short.resolve() == plain.resolve() else plain)
        if found := [character for character in _PATTERN if character in str(home.path)]:
            raise UserError(f"the home {home.path} can't have {' '.join(found)} in its path, TensorFlow takes that for a "
                            "pattern: rename it, or name another with --home")  # fmt: skip
        return home

    @property
    def data(self) -> Path:
        """TFDS's data_dir."""
        return self.path / "data"

    @property
    def metadata(self) -> Path:
        """MLMD's sqlite file."""
        return self.path / "metadata.sqlite"

    @property
    def pipeline_root(self) -> Path:
        """TFX's artifacts."""
        return self.path / "pipeline_root"

    @property
    def trainings(self) -> Path:
        """Working directories of GAN trainings: checkpoints that outlive a killed run."""
        return self.path / "trainings"

    @property
    def schemas(self) -> Path:
        """The curated schema, completed for each dataset."""
        return self.path / "schemas"

    @property
    def runs(self) -> Path:
        """One JSON record a run, see `pipeline/home/run_record.py`."""
        return self.path / "runs"

    @property
    def logs(self) -> Path:
        """One log file a run."""
        return self.path / "logs"

    @property
    def reports(self) -> Path:
        """Pictures and pages made of runs."""
        return self.path / "reports"

    @property
    def kubeflow(self) -> Path:
        """What runs on Kubeflow tell each other: the training's lease, the epoch of KFP's cache."""
        return self.path / "kubeflow"

    @property
    def temporary(self) -> Path:
        """What a run leaves when it ends, see `pipeline/home/temporary.py`."""
        return self.path / "tmp"

    @property
    def serving(self) -> Path:
        """Model base directories."""
        return self.path / "serving"

    def model_base(self, dataset: str) -> Path:
        """The directory of a dataset's pushed versions."""
        return self.serving / model_name(dataset)

    def open(self) -> None:
        """Make the home, or check that this program can use it; where it was moved or copied, its paths are made its own.

        Raises:
            UserError: It was made by another version, can't be written, has no space left, or was moved and a run holds it.
        """
        with self._writing():
            self.path.mkdir(parents=True, exist_ok=True)
            self._take_place()
            for directory in (self.runs, self.logs, self.reports, self.trainings, self.pipeline_root):
                directory.mkdir(exist_ok=True)
        status = os.statvfs(self.path)
        if (free := status.f_bavail * status.f_frsize) < _MIN_FREE_BYTES:
            raise UserError(f"only {free >> 20} MiB are free at {self.path}, a run needs {_MIN_FREE_BYTES >> 20}: "
                            "free some, or name another place with --home")  # fmt: skip

    def settle(self) -> None:
        """Make the paths of a moved or copied home its own; does nothing where there is no home.

        Raises:
            UserError: As `open`, except that it needs no space.
        """
        if self._marker.exists():
            with self._writing():
                self._take_place()

    def _take_place(self) -> None:
        if self._marker.exists():
            _check_format(self._marker)
        self._lock.touch()
        if self.recorded_path() != self.path:
            with self.alone():
                rewrite_paths(self.metadata, self.serving, self.origin(), self.path)
                # Last: a rewrite that is killed is done again.
                replace_file(self._marker, json.dumps({"format": _FORMAT, "path": str(self.path)}) + "\n")

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            why = os.strerror(error.errno or 0)
            raise UserError(f"can't write the home {self.path} ({why}): name another with --home") from error

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the home for one run; the lock goes with the process, however it ends.

        Raises:
            UserError: Another run holds it.
        """
        mend = "wait for it (`forger status` shows it), or name another with --home"
        with locked(self._lock, f"another run is working in {self.path}: {mend}"):
            yield

    def busy(self) -> bool:
        """Say whether a run holds the home now."""
        return is_locked(self._lock)

    def recorded_path(self) -> Path | None:
        """Where the home was when it was last opened; None for a new one."""
        try:
            recorded = json.loads(self._marker.read_bytes()).get("path")
        except (OSError, ValueError, AttributeError):
            return None
        return Path(recorded) if isinstance(recorded, str) else None

    def origin(self) -> Path:
        """The place that MLMD's paths start with: another than `path` from a move or a copy until `open`."""
        return self.recorded_path() or self.path

    @property
    def _marker(self) -> Path:
        return self.path / "home.json"

    @property
    def _lock(self) -> Path:
        return self.path / ".lock"


def _check_format(marker: Path) -> None:
    try:
        found = json.loads(marker.read_text(encoding="utf-8")).get("format")
    except (ValueError, AttributeError):
        found = "unreadable"
    if found != _FORMAT:
        raise UserError(f"the home {marker.parent} has layout {found}, this version reads layout {_FORMAT}: "
                        "name another with --home, or move the old one away")  # fmt: skip
