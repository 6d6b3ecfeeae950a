"""The synchronous client."""

from __future__ import annotations

import copy
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import grpc

from . import draws, wire
from .channel import ClientTls, channel_options
from .contract import MODEL_SERVICE, PREDICTION_SERVICE
from .errors import ClientError
from .failures import failure, worth_a_look
from .messages import (
    Limits,
    Model,
    ModelMetadata,
    VersionStatus,
    metadata_request,
    predictions,
    read_metadata,
    read_status,
    status_request,
)
from .probe import Finding, look
from .rows import CHUNK_ROWS
from .tries import Tries

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike


class GeneratorClient:
    """A synchronous client, safe to share between threads; close it or use it in `with`.

    Example:
        >>> with GeneratorClient("127.0.0.1:8500", "mnist_gan") as client:  # doctest: +SKIP
        ...     images, labels = client.sample([1, 2, 3], [7, 7, -1])
    """

    def __init__(
        self,
        target: str,
        model_name: str,
        timeout: float = 10.0,
        chunk_rows: int = CHUNK_ROWS,
        *,
        version: int | None = None,
        label: str | None = None,
        tls: ClientTls | None = None,
    ) -> None:
        """Prepare a channel; nothing is sent before the first call.

        Args:
            target: HOST:PORT; calls go in turn to all addresses that HOST resolves to. Any other gRPC target will do too, e.g.
                `unix:PATH` or `ipv4:10.0.0.1:8500,10.0.0.2:8500`.
            model_name: The servable's name.
            timeout: Seconds that one call may take, retries included.
            chunk_rows: Rows in one call; at most the server's row limit.
            version: The version to draw from.
            label: The label to draw from, e.g. "stable"; without version and label, the newest version that is available.
            tls: TLS towards the server; None for none.

        Raises:
            ClientError: A version and a label, or TLS files that can't be read.
        """
        self._model = Model(target, model_name, version, label)
        self._limits, self._tls = Limits(timeout, chunk_rows), tls is not None
        self._answered = threading.Event()  # by the address, ever; shared with `at`'s clients
        options = channel_options(tls, timeout)
        if tls is None:
            self._channel = grpc.insecure_channel(target, options)
        else:
            self._channel = grpc.secure_channel(target, tls.credentials(), options)
        predictions, models = f"/{PREDICTION_SERVICE}", f"/{MODEL_SERVICE}"
        self._predict = self._method(f"{predictions}/Predict", wire.PredictResponse)
        self._get_metadata = self._method(f"{predictions}/GetModelMetadata", wire.GetModelMetadataResponse)
        self._get_status = self._method(f"{models}/GetModelStatus", wire.GetModelStatusResponse)

    @property
    def target(self) -> str:
        """The servers' address."""
        return self._model.target

    @property
    def model_name(self) -> str:
        """The servable's name."""
        return self._model.name

    def at(self, *, version: int | None = None, label: str | None = None) -> GeneratorClient:
        """Another version of the same model, over this client's channel: it works as long as this client is open."""
        other = copy.copy(self)
        other._model = Model(self.target, self.model_name, version, label)
        return other

    def sample(self, seeds: ArrayLike, labels: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """Draw one image a row, all from one version; a row depends on its own seed and label alone.

        Args:
            seeds: int64 [N].
            labels: int64 [N], `contract.ANY_LABEL` for a class drawn from the row's seed.

        Returns:
            Images uint8 [N, H, W, C] and their labels int64 [N], -1 where the generator has no classes.

        Raises:
            ClientError: Inputs that are not rows of one request, a server that is not there, or its refusal.
        """
        return self._draw(draws.sample(seeds, labels))

    def sample_png(self, seeds: ArrayLike, labels: ArrayLike) -> tuple[list[bytes], np.ndarray]:
        """Draw as `sample`, each image as a PNG file."""
        return self._draw(draws.sample_png(seeds, labels))

    def latents(self, seeds: ArrayLike, labels: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """Say what `sample` draws its images from: latents float32 [N, Z] and labels int64 [N]; else as `sample`."""
        return self._draw(draws.latents(seeds, labels))

    def sample_latent(self, latents: ArrayLike, labels: ArrayLike) -> np.ndarray:
        """Draw from given latents.

        Args:
            latents: float32 [N, latent size]; the size is in `metadata().signatures["serving_default"].inputs["latent"]`.
            labels: int64 [N].

        Returns:
            Images float32 [N, H, W, C] in [-1, 1].

        Raises:
            ClientError: As for `sample`.
        """
        return self._draw(draws.sample_latent(latents, labels))

    def interpolate(self, first: int, last: int, steps: int, label: int | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Draw the way from one seed to another through the latent space.

        Args:
            first: Seed of the first image.
            last: Seed of the last image.
            steps: Images, at least 2.
            label: Class of all; None for the classes that the seeds draw, the first seed's for the first half of the way.

        Returns:
            Images uint8 [steps, H, W, C] and their labels int64 [steps]; the first and the last are what `sample` draws.

        Raises:
            ClientError: As for `sample`.
        """
        return self._draw(draws.interpolate(first, last, steps, label))

    def metadata(self) -> ModelMetadata:
        """Ask for the served version and its signatures.

        Raises:
            ClientError: A server that is not there, or its refusal.
        """
        return read_metadata(self._call(self._get_metadata, metadata_request(self._model)))

    def status(self) -> list[VersionStatus]:
        """Ask for the state of every version that the server knows, oldest first.

        Raises:
            ClientError: A server that is not there, or its refusal.
        """
        return read_status(self._call(self._get_status, status_request(self._model)))

    def close(self) -> None:
        """Close the channel."""
        self._channel.close()

    def __enter__(self) -> GeneratorClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _draw(self, draw: draws.Draw[draws.T]) -> draws.T:
        return draws.drive(draw, self._run)

    def _run(self, run: draws.Run) -> dict[str, np.ndarray]:
        steps = predictions(self._model, run, self._limits.chunk_rows)
        return draws.drive(steps, lambda request: self._call(self._predict, request))

    def _method(self, path: str, answer: Any) -> Callable[..., Any]:
        return self._channel.unary_unary(path, request_serializer=wire.to_bytes, response_deserializer=answer.FromString)

    def _call(self, method: Callable[..., Any], request: Any) -> Any:
        """Call with one deadline over all tries."""
        tries = Tries(self._limits.timeout)
        while True:
            try:
                answer = method(request, timeout=tries.left())
            except grpc.RpcError as error:
                pause = tries.pause(error)
                if pause is None:
                    raise self._failure(error, tries) from error
            else:
                self._answered.set()
                return answer
            time.sleep(pause)

    def _failure(self, error: grpc.RpcError, tries: Tries) -> ClientError:
        found = Finding.UNKNOWN
        if worth_a_look(error, answered=self._answered.is_set()):
            found = look(self.target)
        return failure(error, self._model, self._limits.timeout, tls=self._tls, waited_for=tries.waits_for, found=found)
