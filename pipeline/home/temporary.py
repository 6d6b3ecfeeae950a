"""A run's temporary files: in its home, gone with the run, and those of a killed one with the next."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from pipeline.home.home import Home


def find_room(home: Path) -> None:
    """Let libraries write into the home's `cache` what they can write nowhere else: a container's root may be read-only.

    Args:
        home: The home's path; nothing happens where there is none yet, or none that can be written.
    """
    cache = str(home.absolute() / "cache")
    variables = {}
    try:
        tempfile.gettempdir()
    except FileNotFoundError:
        variables["TMPDIR"] = cache
    if not os.access(os.path.expanduser("~"), os.W_OK) and "MPLCONFIGDIR" not in os.environ:
        variables["MPLCONFIGDIR"] = cache  # Keras imports matplotlib
    if variables and os.access(home, os.W_OK):
        os.makedirs(cache, exist_ok=True)
        os.environ.update(variables)


@contextlib.contextmanager
def temporary_files(home: Home) -> Iterator[None]:
    """Let this process, its children and native code write their temporary files into the home.

    TFDS and killed TensorFlows leave theirs behind, and /tmp may be small, in memory, or not to be written.

    Args:
        home: The home, held by this process.
    """
    shutil.rmtree(home.temporary, ignore_errors=True)
    home.temporary.mkdir()
    variables = {"TMPDIR": str(home.temporary)}
    if not os.access(os.path.expanduser("~"), os.W_OK):
        # Keras imports matplotlib, which there makes a directory of its own and wants to remove that at the very end.
        variables["MPLCONFIGDIR"] = os.environ.get("MPLCONFIGDIR") or str(home.temporary)
    before = {name: os.environ.get(name) for name in variables}
    before_tempdir, tempfile.tempdir = tempfile.tempdir, str(home.temporary)
    os.environ.update(variables)
    try:
        yield
    finally:
        tempfile.tempdir = before_tempdir
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value
        shutil.rmtree(home.temporary, ignore_errors=True)
