"""The client for asyncio."""

from __future__ import annotations

import asyncio
import copy
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from serving.client import draws
from serving.client.channel import ClientTls, channel_options
from serving.client.failures import failure, still_loading
from serving.client.messages import (
    Model,
    ModelMetadata,
    VersionStatus,
    metadata_request,
    predictions,
    read_metadata,
    read_status,
    status_request,
)
from serving.client.rows import CHUNK_ROWS
from serving.client.synchronous import LOADING_PAUSE

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
        from grpc import aio
        from tensorflow_serving.apis import model_service_pb2_grpc, prediction_service_pb2_grpc

        self._model = Model(target, model_name, version, label)
        self._timeout, self._chunk_rows = timeout, chunk_rows
        options = channel_options(tls)
        if tls is None:
            self._channel = aio.insecure_channel(target, options)
        else:
            self._channel = aio.secure_channel(target, tls.credentials(), options)
        self._predictions = prediction_service_pb2_grpc.PredictionServiceStub(self._channel)
        self._models = model_service_pb2_grpc.ModelServiceStub(self._channel)

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
        return read_metadata(await self._call(self._predictions.GetModelMetadata, metadata_request(self._model)))

    async def status(self) -> list[VersionStatus]:
        """See `GeneratorClient.status`."""
        return read_status(await self._call(self._models.GetModelStatus, status_request(self._model)))

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
        steps = predictions(self._model, run, self._chunk_rows)
        return await draws.drive_async(steps, lambda request: self._call(self._predictions.Predict, request))

    async def _call(self, method: Callable, request: Any) -> Any:
        """As `GeneratorClient._call`."""
        import grpc

        deadline, loading = time.monotonic() + self._timeout, False
        while True:
            try:
                return await method(request, timeout=max(deadline - time.monotonic(), 0.001))
            except grpc.RpcError as error:
                late = time.monotonic() + LOADING_PAUSE >= deadline
                loading = still_loading(error) or (loading and late)
                if late or not loading:
                    raise failure(error, self._model, self._timeout, loading=loading) from error
            await asyncio.sleep(LOADING_PAUSE)
