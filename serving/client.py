"""Draw from a generator behind TensorFlow Serving's gRPC contract: the embedded server or TensorFlow Serving itself."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from serving import contract
from serving.errors import ServingError
from serving.rows import CHUNK_ROWS, chunks, paired

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike

_MAX_MESSAGE_BYTES = 64 * 2**20  # an answer's size is the server's to limit
_FIRST_BACKOFF, _LAST_BACKOFF, _ATTEMPTS = 0.1, 1.0, 5  # seconds, seconds, tries where nobody answers
_SWITCHES = 5  # times that a draw starts over because the server changed versions under it


@dataclass(frozen=True)
class TensorInfo:
    """An input or output of a signature: NumPy dtype name, and shape with None for the batch."""

    dtype: str
    shape: tuple[int | None, ...]


@dataclass(frozen=True)
class Signature:
    """Inputs and outputs by alias."""

    inputs: dict[str, TensorInfo]
    outputs: dict[str, TensorInfo]


@dataclass(frozen=True)
class ModelMetadata:
    """The served version and its signatures by name."""

    name: str
    version: int
    signatures: dict[str, Signature]


@dataclass(frozen=True)
class VersionStatus:
    """A version's state (TensorFlow Serving's name for it, e.g. AVAILABLE) and load error, empty where there is none."""

    version: int
    state: str
    error: str


class GeneratorClient:
    """A synchronous client, safe to share between threads; close it or use it in `with`.

    Example:
        >>> with GeneratorClient("127.0.0.1:8500", "mnist_gan") as client:  # doctest: +SKIP
        ...     images, labels = client.sample([1, 2, 3], [7, 7, -1])
    """

    def __init__(self, target: str, model_name: str, timeout: float = 10.0, chunk_rows: int = CHUNK_ROWS) -> None:
        """Prepare a channel; nothing is sent before the first call.

        Args:
            target: HOST:PORT.
            model_name: The servable's name.
            timeout: Seconds that one call may take, retries included.
            chunk_rows: Rows in one call; at most the server's row limit.
        """
        import grpc
        from tensorflow_serving.apis import model_service_pb2_grpc, prediction_service_pb2_grpc

        self.target, self.model_name = target, model_name
        self._timeout, self._chunk_rows = timeout, chunk_rows
        self._channel = grpc.insecure_channel(
            target,
            options=[
                ("grpc.max_receive_message_length", _MAX_MESSAGE_BYTES),
                ("grpc.max_send_message_length", _MAX_MESSAGE_BYTES),
                ("grpc.enable_http_proxy", 0),  # a proxy for the web is no way to a model server
                ("grpc.initial_reconnect_backoff_ms", int(_FIRST_BACKOFF * 1000)),
                ("grpc.max_reconnect_backoff_ms", int(_LAST_BACKOFF * 1000)),
            ],
        )
        self._prediction = prediction_service_pb2_grpc.PredictionServiceStub(self._channel)
        self._model = model_service_pb2_grpc.ModelServiceStub(self._channel)

    def sample(self, seeds: ArrayLike, labels: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """Draw one image a row, all from one version; a row depends on its own seed and label alone.

        Args:
            seeds: int64 [N].
            labels: int64 [N], `contract.ANY_LABEL` for a class drawn from the row's seed.

        Returns:
            Images uint8 [N, 28, 28, 1] and their labels int64 [N], -1 where the generator has no classes.

        Raises:
            ServingError: Inputs that are not rows of one request, a server that is not there, or its refusal.
        """
        seeds, labels = paired(seeds, labels)
        outputs = self._predict(
            contract.SIGNATURE_SAMPLE,
            {contract.INPUT_SEED: seeds, contract.INPUT_LABEL: labels},
            {contract.OUTPUT_IMAGE: "uint8", contract.OUTPUT_LABEL: "int64"},
        )
        return outputs[contract.OUTPUT_IMAGE], outputs[contract.OUTPUT_LABEL]

    def sample_latent(self, latents: ArrayLike, labels: ArrayLike) -> np.ndarray:
        """Draw from given latents.

        Args:
            latents: float32 [N, latent size]; the size is in `metadata().signatures["serving_default"].inputs["latent"]`.
            labels: int64 [N].

        Returns:
            Images float32 [N, 28, 28, 1] in [-1, 1].

        Raises:
            ServingError: As for `sample`.
        """
        latents, labels = paired(latents, labels, latents=True)
        inputs = {contract.INPUT_LATENT: latents, contract.INPUT_LABEL: labels}
        return self._predict(contract.SIGNATURE_DEFAULT, inputs, {contract.OUTPUT_IMAGE: "float32"})[contract.OUTPUT_IMAGE]

    def metadata(self) -> ModelMetadata:
        """Ask for the served version and its signatures.

        Raises:
            ServingError: A server that is not there, or its refusal.
        """
        import tensorflow as tf
        from tensorflow_serving.apis import get_model_metadata_pb2

        request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
        request.model_spec.name = self.model_name
        response = self._call(self._prediction.GetModelMetadata, request)
        found = get_model_metadata_pb2.SignatureDefMap()
        response.metadata["signature_def"].Unpack(found)

        def described(infos: Any) -> dict[str, TensorInfo]:
            return {
                alias: TensorInfo(
                    tf.dtypes.as_dtype(info.dtype).name,
                    tuple(None if dim.size < 0 else dim.size for dim in info.tensor_shape.dim),
                )
                for alias, info in sorted(infos.items())
            }

        signatures = {
            name: Signature(described(found.signature_def[name].inputs), described(found.signature_def[name].outputs))
            for name in sorted(found.signature_def)
            if not name.startswith("__")  # TensorFlow's own initialiser
        }
        return ModelMetadata(response.model_spec.name, response.model_spec.version.value, signatures)

    def status(self) -> list[VersionStatus]:
        """Ask for the state of every version that the server knows, oldest first.

        Raises:
            ServingError: A server that is not there, or its refusal.
        """
        from tensorflow_serving.apis import get_model_status_pb2

        request = get_model_status_pb2.GetModelStatusRequest()
        request.model_spec.name = self.model_name
        response = self._call(self._model.GetModelStatus, request)
        name_of = get_model_status_pb2.ModelVersionStatus.State.Name
        found = [
            VersionStatus(one.version, name_of(one.state), one.status.error_message) for one in response.model_version_status
        ]
        return sorted(found, key=lambda status: status.version)

    def close(self) -> None:
        """Close the channel."""
        self._channel.close()

    def __enter__(self) -> GeneratorClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _predict(self, signature: str, inputs: dict[str, np.ndarray], outputs: dict[str, str]) -> dict[str, np.ndarray]:
        import numpy as np

        rows = len(inputs[contract.INPUT_LABEL])
        for _ in range(_SWITCHES):
            parts, versions = [], set()
            for part in chunks(rows, self._chunk_rows):
                version, answer = self._predict_chunk(signature, {alias: value[part] for alias, value in inputs.items()}, outputs)
                parts.append(answer)
                versions.add(version)
                if len(versions) > 1:
                    break
            else:
                return {alias: np.concatenate([part[alias] for part in parts]) for alias in outputs}
        raise ServingError(f"{self.target} changes its model version faster than {rows} rows can be drawn: ask for fewer")

    def _predict_chunk(self, signature: str, inputs: dict[str, np.ndarray], outputs: dict[str, str]) -> tuple[int, dict]:
        import tensorflow as tf
        from tensorflow_serving.apis import predict_pb2

        request = predict_pb2.PredictRequest(output_filter=sorted(outputs))
        request.model_spec.name, request.model_spec.signature_name = self.model_name, signature
        for alias, value in inputs.items():
            request.inputs[alias].CopyFrom(tf.make_tensor_proto(value))
        response = self._call(self._prediction.Predict, request)
        rows = len(inputs[contract.INPUT_LABEL])
        answer = {}
        for alias, dtype in outputs.items():
            answer[alias] = tf.make_ndarray(response.outputs[alias])
            shape = (rows, *contract.IMAGE_SHAPE) if alias == contract.OUTPUT_IMAGE else (rows,)
            if answer[alias].dtype != dtype or answer[alias].shape != shape:
                got = f"{answer[alias].dtype} {list(answer[alias].shape)}"
                raise ServingError(f"{self.model_name} on {self.target} is not a Forger generator: it answers {alias} as {got}")
        return response.model_spec.version.value, answer

    def _call(self, method: Callable, request: Any) -> Any:
        """Call with one deadline over all tries; try again only what the server never began (UNAVAILABLE).

        A server that says it still loads is waited for until the deadline, an address where nobody answers is given up sooner.
        """
        import grpc

        deadline, backoff, attempt = time.monotonic() + self._timeout, _FIRST_BACKOFF, 1
        while True:
            try:
                return method(request, timeout=max(deadline - time.monotonic(), 0.001))
            except grpc.RpcError as error:
                pause = backoff * random.uniform(0.5, 1.0)  # noqa: S311 (jitter, not a secret)
                hopeless = attempt >= _ATTEMPTS and error.details() != contract.STILL_LOADING
                late = time.monotonic() + pause >= deadline
                if error.code() is not grpc.StatusCode.UNAVAILABLE or hopeless or late:
                    raise ServingError(self._explain(error)) from error
            time.sleep(pause)
            backoff, attempt = min(backoff * 2, _LAST_BACKOFF), attempt + 1

    def _explain(self, error: Any) -> str:
        import grpc

        code, details = error.code(), " ".join((error.details() or "").split())
        if code is grpc.StatusCode.UNAVAILABLE and details == contract.STILL_LOADING:
            return f"{self.target} is still loading its model: try again in a few seconds"
        if code is grpc.StatusCode.UNAVAILABLE:
            return f"no model server answers on {self.target}: start one with `forger serve`, or check the address"
        if code is grpc.StatusCode.DEADLINE_EXCEEDED:
            return f"{self.target} did not answer within {self._timeout:g} s: ask for fewer rows or allow more time"
        if code is grpc.StatusCode.NOT_FOUND:
            return f"{self.target} does not serve {self.model_name} ({details}): check the model's name and `forger serve`'s log"
        return f"{self.target} refused the request ({code.name}): {details}"
