"""A run's temporary files: in its home, gone with the run, and those of a killed one with the next."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator

from pipeline.home.home import Home


@contextlib.contextmanager
def temporary_files(home: Home) -> Iterator[None]:
    """Let this process, its children and native code write their temporary files into the home.

    TFDS and killed TensorFlows leave theirs behind, and /tmp may be small or in memory.

    Args:
        home: The home, held by this process.
    """
    before = os.environ.get("TMPDIR"), tempfile.tempdir
    shutil.rmtree(home.temporary, ignore_errors=True)
    home.temporary.mkdir()
    os.environ["TMPDIR"] = tempfile.tempdir = str(home.temporary)
    try:
        yield
    finally:
        variable, tempfile.tempdir = before
        if variable is None:
            del os.environ["TMPDIR"]
        else:
            os.environ["TMPDIR"] = variable
        shutil.rmtree(home.temporary, ignore_errors=True)
