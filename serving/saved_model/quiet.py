"""TensorFlow's native messages, which no setting silences: its import writes to file descriptor 2 before its log is ready."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Iterator
from typing import TextIO

_ONE_AT_A_TIME = threading.Lock()  # two that overlap would restore each other's


@contextlib.contextmanager
def native_stderr_to(descriptor: int) -> Iterator[TextIO]:
    """Turn file descriptor 2, where native code writes its messages, elsewhere; yields a stream to the real one."""
    sys.stderr.flush()
    saved = os.dup(2)
    os.dup2(descriptor, 2)
    try:
        with os.fdopen(os.dup(saved), "w", buffering=1) as stream:
            yield stream
    finally:
        sys.stderr.flush()
        os.dup2(saved, 2)
        os.close(saved)


@contextlib.contextmanager
def quiet_start() -> Iterator[None]:
    """Drop what TensorFlow says while it is imported and loads its first model, unless `TF_CPP_MIN_LOG_LEVEL=0` asks for it."""
    if os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2") == "0" or sys.stderr is None:
        yield
        return
    with _ONE_AT_A_TIME, open(os.devnull, "w", encoding="utf-8") as nowhere, native_stderr_to(nowhere.fileno()):
        yield


def start_tensorflow() -> None:
    """Import TensorFlow and look for its devices without a message; what it logs later obeys `TF_CPP_MIN_LOG_LEVEL`."""
    with quiet_start():
        import tensorflow as tf

        tf.config.list_logical_devices()
