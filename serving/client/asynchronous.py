"""The client for asyncio."""

from __future__ import annotations

import asyncio
import copy
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import grpc
from grpc import aio

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


class AsyncGeneratorClient:
    """`GeneratorClient` for asyncio: the same calls, awaited. Make it in the event loop that it is used in.

    Example:
        >>> async with AsyncGeneratorClient("127.0.0.1:8500", "mnist_gan") as client:  # doctest: +SKIP
        ...     images, labels = await client.sample([1, 2, 3], [7, 7, -1])
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
        """Prepare a channel; arguments and errors are those of `GeneratorClient`."""
        self._model = Model(target, model_name, version, label)
        self._limits, self._tls = Limits(timeout, chunk_rows), tls is not None
        self._answered = threading.Event()  # by the address, ever; shared with `at`'s clients
        options = channel_options(tls, timeout)
        if tls is None:
            self._channel = aio.insecure_channel(target, options)
        else:
            self._channel = aio.secure_channel(target, tls.credentials(), options)
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

    def at(self, *, version: int | None = None, label: str | None = None) -> AsyncGeneratorClient:
        """Another version of the same model, over this client's channel: it works as long as this client is open."""
        other = copy.copy(self)
        other._model = Model(self.target, self.model_name, version, label)
        return other

    async def sample(self, seeds: ArrayLike, labels: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """See `GeneratorClient.sample`."""
        return await self._draw(draws.sample(seeds, labels))

    async def sample_png(self, seeds: ArrayLike, labels: ArrayLike) -> tuple[list[bytes], np.ndarray]:
        """See `GeneratorClient.sample_png`."""
        return await self._draw(draws.sample_png(seeds, labels))

    async def latents(self, seeds: ArrayLike, labels: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """See `GeneratorClient.latents`."""
        return await self._draw(draws.latents(seeds, labels))

    async def sample_latent(self, latents: ArrayLike, labels: ArrayLike) -> np.ndarray:
        """See `GeneratorClient.sample_latent`."""
        return await self._draw(draws.sample_latent(latents, labels))

    async def interpolate(self, first: int, last: int, steps: int, label: int | None = None) -> tuple[np.ndarray, np.ndarray]:
        """See `GeneratorClient.interpolate`."""
        return await self._draw(draws.interpolate(first, last, steps, label))

    async def metadata(self) -> ModelMetadata:
        """See `GeneratorClient.metadata`."""
        return read_metadata(await self._call(self._get_metadata, metadata_request(self._model)))

    async def status(self) -> list[VersionStatus]:
        """See `GeneratorClient.status`."""
        return read_status(await self._call(self._get_status, status_request(self._model)))

    async def close(self) -> None:
        """Close the channel."""
        await self._channel.close()

    async def __aenter__(self) -> AsyncGeneratorClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _draw(self, draw: draws.Draw[draws.T]) -> draws.T:
        return await draws.drive_async(draw, self._run)

    async def _run(self, run: draws.Run) -> dict[str, np.ndarray]:
        steps = predictions(self._model, run, self._limits.chunk_rows)
        return await draws.drive_async(steps, lambda request: self._call(self._predict, request))

    def _method(self, path: str, answer: Any) -> Callable[..., Any]:
        return self._channel.unary_unary(path, request_serializer=wire.to_bytes, response_deserializer=answer.FromString)

    async def _call(self, method: Callable[..., Any], request: Any) -> Any:
        """As `GeneratorClient._call`."""
        tries = Tries(self._limits.timeout)
        while True:
            try:
                answer = await method(request, timeout=tries.left())
            except grpc.RpcError as error:
                pause = tries.pause(error)
                if pause is None:
                    raise await self._failure(error, tries) from error
            else:
                self._answered.set()
                return answer
            await asyncio.sleep(pause)

    async def _failure(self, error: grpc.RpcError, tries: Tries) -> ClientError:
        found = Finding.UNKNOWN
        if worth_a_look(error, answered=self._answered.is_set()):
            found = await asyncio.to_thread(look, self.target)
        return failure(error, self._model, self._limits.timeout, tls=self._tls, waited_for=tries.waits_for, found=found)
