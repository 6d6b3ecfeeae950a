"""Short pauses while versions come and go: what a process that serves does to Python's garbage collection."""

from __future__ import annotations

import gc


def keep_short() -> None:
    """Prepare this process for loading versions while it serves; call it once, before the first version is loaded.

    Garbage collection stops all threads. After an unload it took 240 ms, nearly all of it for TensorFlow's own half a million
    objects, which never become garbage: frozen, they are left out, and it takes 30 ms (measured).
    """
    from serving.saved_model.quiet import start_tensorflow

    start_tensorflow()
    # Imported here, so that their objects are there to be frozen.
    from serving.server.models import registry
    from serving.server.rpc import services

    del registry, services
    gc.collect()
    gc.freeze()
