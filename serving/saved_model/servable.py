"""A SavedModel version loaded into this process: what the embedded server and the local generator both run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from serving.repository import contract
from serving.repository.errors import UserError, flat_message
from serving.repository.manifest import manifest_problem
from serving.repository.metadata import read_metadata
from serving.saved_model.session import SignatureSession

if TYPE_CHECKING:
    import numpy as np
    import tensorflow as tf
    from tensorflow.core.framework.tensor_pb2 import TensorProto
    from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef


class Servable:
    """One loaded version, in a session of TensorFlow's as TensorFlow Serving has it.

    Beside `tf.saved_model.load` a call holds Python's lock for a fifth of the time (0.05 ms), a load for half of it, and what an
    unload leaves to the garbage collector for a quarter (7 ms): all other threads wait for that lock.

    Attributes:
        directory: Where it was loaded from.
        metadata: Its `contract.METADATA_FILE` as a dict; empty where a model has none.
        signature_defs: SignatureDef protos by signature name, exactly as saved.
    """

    def __init__(self, directory: Path) -> None:
        """Load a version, after comparing its files with the push's manifest where there is one.

        Raises:
            UserError: A file is missing or differs, or TensorFlow cannot load it.
        """
        import tensorflow as tf
        from tensorflow.core.protobuf import saved_model_pb2

        self.directory = directory
        if not (directory / contract.SAVED_MODEL_FILE).is_file():
            raise UserError(f"{directory} holds no {contract.SAVED_MODEL_FILE}")
        problem = manifest_problem(directory)
        if problem:
            raise UserError(f"{directory} is corrupt: {problem}")
        self.metadata = read_metadata(directory)
        try:
            proto = saved_model_pb2.SavedModel.FromString((directory / contract.SAVED_MODEL_FILE).read_bytes())
        except Exception as error:  # protobuf raises many kinds for a damaged file
            raise UserError(f"{directory} cannot be loaded: {flat_message(error)}") from error
        serving = [graph for graph in proto.meta_graphs if tf.saved_model.SERVING in graph.meta_info_def.tags]
        if not serving:
            raise UserError(f"{directory} has no graph for serving")
        self.signature_defs: dict[str, SignatureDef] = dict(serving[0].signature_def)
        try:
            self._session = SignatureSession(directory, list(serving[0].meta_info_def.tags), self.signature_defs)
        except Exception as error:  # TensorFlow raises many kinds for a damaged file
            raise UserError(f"{directory} cannot be loaded: {flat_message(error)}") from error

    @classmethod
    def warm(cls, directory: Path) -> tuple[Servable, int]:
        """Load a version and replay its warm-up requests.

        Returns:
            The version, and the number of requests.

        Raises:
            UserError: It cannot be loaded, or a request cannot be read or run.
        """
        servable = cls(directory)
        try:
            return servable, servable.warm_up()
        except BaseException:
            servable.close()
            raise

    def has_signature(self, name: str) -> bool:
        """Whether the signature can be run."""
        return name in self._session.names

    def run_arrays(self, signature: str, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Run a signature; its inputs must have the signature's names and dtypes; strings are arrays of objects (bytes).

        Raises:
            tf.errors.OpError: The graph refuses the values.
        """
        return self._session.run(signature, inputs)

    def close(self) -> None:
        """Free what it holds; no signature may be running."""
        self._session.close()

    def warm_up(self) -> int:
        """Replay the version's warm-up requests, so that the first client does not wait for tracing and allocation.

        Returns:
            Requests replayed; 0 where the version has none.

        Raises:
            UserError: A request cannot be read or run, or there are too many.
        """
        import tensorflow as tf
        from tensorflow_serving.apis import prediction_log_pb2

        path = self.directory / contract.WARMUP_FILE
        if not path.is_file():
            return 0
        replayed = 0
        try:
            for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
                if replayed == contract.MAX_WARMUP_REQUESTS:
                    raise UserError(f"{path} holds more than {contract.MAX_WARMUP_REQUESTS} warm-up requests")
                request = prediction_log_pb2.PredictionLog.FromString(record).predict_log.request
                name = request.model_spec.signature_name or contract.SIGNATURE_DEFAULT
                self.run_arrays(name, {alias: tf.make_ndarray(proto) for alias, proto in request.inputs.items()})
                replayed += 1
        except UserError:
            raise
        except Exception as error:  # a damaged record, a signature that is not there, values that the graph refuses
            raise UserError(f"warm-up request {replayed + 1} of {self.directory} failed: {flat_message(error)}") from error
        return replayed


def tensor_of(proto: TensorProto) -> tf.Tensor:
    """Parse a TensorProto with TensorFlow's own C++ parser, as TensorFlow Serving does.

    Raises:
        tf.errors.InvalidArgumentError: The proto contradicts itself.
    """
    import tensorflow as tf

    return tf.io.parse_tensor(proto.SerializeToString(), tf.dtypes.as_dtype(proto.dtype))
