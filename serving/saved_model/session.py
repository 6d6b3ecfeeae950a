"""A SavedModel's signatures in a session: loaded, compiled and run by TensorFlow's native code, mostly without Python's lock."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef

_RESERVED = "__saved_model_"  # begins the names of what a loader runs, not a client
_LOW = 10  # as `nice` counts: a tenth of a busy core; with 19, a hundredth, a new version would be minutes late


class SignatureSession:
    """The signatures of one SavedModel; safe to use from many threads.

    Attributes:
        names: Those that can be run.
        close: Frees the weights and what was compiled.
    """

    def __init__(self, directory: Path, tags: list[str], signatures: Mapping[str, SignatureDef]) -> None:
        """Load the graph with these tags, and compile its signatures in a thread of low priority.

        Compiling takes half a second of a core and no lock of Python's, so that what is served meanwhile goes first.

        Raises:
            Exception: Of many kinds, for what TensorFlow cannot load.
        """
        import tensorflow as tf
        from tensorflow.python.saved_model.loader_impl import SavedModelLoader  # the public name warns that it is old

        config = tf.compat.v1.ConfigProto(allow_soft_placement=True)
        config.gpu_options.allow_growth = True  # others may be in the same GPU
        graph = tf.Graph()
        self._session = tf.compat.v1.Session(graph=graph, config=config)
        self._runs: dict[str, tuple[list[str], list[tuple[str, bool]], Callable[..., list[Any]]]] = {}
        # At the interpreter's end at the latest: later TensorFlow is half gone, and freeing prints tracebacks.
        self.close = weakref.finalize(self, _free, self._runs, self._session)
        try:
            with graph.as_default():
                SavedModelLoader(str(directory)).load(self._session, tags)
            _in_background(lambda: self._compile(signatures))
        except BaseException:
            self.close()
            raise

    @property
    def names(self) -> set[str]:
        """Names of the signatures that can be run."""
        return set(self._runs)

    def run(self, signature: str, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Run a signature.

        Raises:
            tf.errors.OpError: The graph refuses the values.
        """
        import numpy as np

        aliases, outputs, call = self._runs[signature]
        values = call(*[inputs[alias] for alias in aliases])
        # A scalar string comes as bytes; as an array of NumPy's own strings it would lose its last NULs.
        return {
            alias: np.array(value, object) if text else np.asarray(value)
            for (alias, text), value in zip(outputs, values, strict=True)
        }

    def _compile(self, signatures: Mapping[str, SignatureDef]) -> None:
        from tensorflow.core.framework import types_pb2
        from tensorflow.core.protobuf.config_pb2 import CallableOptions

        for name, signature in signatures.items():
            tensors = [*signature.inputs.values(), *signature.outputs.values()]
            if name.startswith(_RESERVED) or any(tensor.WhichOneof("encoding") != "name" for tensor in tensors):
                continue
            aliases, outputs = sorted(signature.inputs), sorted(signature.outputs)
            options = CallableOptions(
                feed=[signature.inputs[alias].name for alias in aliases],
                fetch=[signature.outputs[alias].name for alias in outputs],
            )
            # What `Session.run` makes anew for each call: it spares half of a call's time.
            call = self._session._make_callable_from_options(options)
            texts = [(alias, signature.outputs[alias].dtype == types_pb2.DT_STRING) for alias in outputs]
            self._runs[name] = aliases, texts, call


def _free(runs: dict[str, Any], session: Any) -> None:
    runs.clear()
    session.close()


def _in_background(work: Callable[[], None]) -> None:
    """Do work in a thread of low priority and wait for it; whatever it raises is raised here."""
    raised: list[BaseException] = []

    def run() -> None:
        # Linux has a priority for each thread. It can't be raised again without privileges, hence a thread of its own.
        own = threading.get_native_id()
        os.setpriority(os.PRIO_PROCESS, own, max(os.getpriority(os.PRIO_PROCESS, own), _LOW))
        try:
            work()
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=run, name="forger-compile", daemon=True)
    thread.start()
    thread.join()
    if raised:
        raise raised[0]
