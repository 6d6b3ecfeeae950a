"""The Beam step: each worker loads the generator once and writes the shards that come its way."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import apache_beam as beam
from apache_beam.utils.shared import Shared

from pipeline.generate.directory import REQUEST_FILE
from pipeline.generate.request import Request, digest_of
from pipeline.generate.shards import write_shard
from serving.repository import contract
from serving.repository.errors import UserError
from serving.saved_model.generator import LocalGenerator


class WriteShards(beam.DoFn):
    """From numbers of shards to files."""

    def __init__(self, request: Request, model: Path, directory: Path) -> None:
        """Set up.

        Args:
            request: What is asked for.
            model: The version's directory, as every worker sees it.
            directory: The output directory, as every worker sees it.
        """
        super().__init__()
        self._request, self._model, self._directory = request, model, directory
        self._shared = Shared()

    def process(self, number: int) -> Iterator[int]:
        """Write one shard; yields its number.

        Raises:
            UserError: This worker does not see the model or the directory, or the disk refuses.
            UserError: The generator can't be loaded or refuses.
        """
        # One for all threads of this process.
        generator = self._shared.acquire(self._load)
        write_shard(self._request, number, generator, self._directory)
        yield number

    def _load(self) -> LocalGenerator:
        for path, option in (
            (self._directory / REQUEST_FILE, "--out"),
            (self._model / contract.SAVED_MODEL_FILE, "--home or --model"),
        ):
            if not path.is_file():
                raise UserError(
                    f"the worker on {socket.gethostname()} does not see {path}: name a place with {option} that all workers share"
                )
        if digest_of(self._model) != self._request.model_digest:
            raise UserError(f"{self._model} is another model on {socket.gethostname()}: let all workers share one home")
        return LocalGenerator(self._model)
