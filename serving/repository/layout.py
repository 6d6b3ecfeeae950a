"""The layout of a model repository: <root>/<model>/<version>/saved_model.pb, the version a positive int64."""

from __future__ import annotations

from pathlib import Path

from serving.repository.contract import SAVED_MODEL_FILE

_MAX_VERSION = 2**63 - 1


def model_name(dataset: str) -> str:
    """The servable's name for a TFDS dataset, e.g. `mnist_gan`."""
    return dataset.replace("/", "_") + "_gan"


def version_directories(base: Path) -> list[int]:
    """Versions that have a directory under a model base directory, whole or not, oldest first."""
    # Only the plain spelling counts: "007" would be looked for as "7".
    return sorted(int(name) for name in _numbered(base) if not name.startswith("0") and int(name) <= _MAX_VERSION)


def zero_led_directories(base: Path) -> list[str]:
    """Directories that TensorFlow Serving takes for versions and Forger doesn't: their numbers begin with zeros."""
    return sorted(name for name in _numbered(base) if name.startswith("0") and 0 < int(name) <= _MAX_VERSION)


def _numbered(base: Path) -> list[str]:
    if not base.is_dir():
        return []
    return [child.name for child in base.iterdir() if child.name.isascii() and child.name.isdecimal() and child.is_dir()]


def list_versions(base: Path) -> list[int]:
    """Versions under a model base directory that hold a whole SavedModel, oldest first."""
    return [version for version in version_directories(base) if (base / str(version) / SAVED_MODEL_FILE).is_file()]
