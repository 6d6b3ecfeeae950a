"""Requests and answers of TensorFlow Serving's contract: built and read here for both clients, which only carry them."""

from __future__ import annotations

import math
import numbers
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import wire
from .contract import INPUT_LABEL, OUTPUT_IMAGE, SIGNATURE_DEFAULT
from .draws import Run
from .errors import ClientError
from .rows import chunks
from .target import check_target
from .tensors import dtype_name, to_array, to_tensor

_LAST_VERSION = 2**63 - 1
_IMAGES_RANK = 4  # rows, height, width, channels
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


@dataclass(frozen=True)
class Limits:
    """What a client may take for one call: seconds, tries included, and rows."""

    timeout: float
    chunk_rows: int

    def __post_init__(self) -> None:
        if not (isinstance(self.timeout, numbers.Real) and 0 < self.timeout < math.inf):
            raise ClientError(f"timeout is {self.timeout!r}: give a positive number of seconds")
        if not isinstance(self.chunk_rows, numbers.Integral) or self.chunk_rows < 1:
            raise ClientError(f"chunk_rows is {self.chunk_rows!r}: give at least 1 row")


@dataclass(frozen=True)
class Model:
    """Which model on which server: its name, and a version or a label; neither means the newest that is available."""

    target: str
    name: str
    version: int | None = None
    label: str | None = None

    def __post_init__(self) -> None:
        check_target(self.target)
        if self.version is not None and self.label is not None:
            raise ClientError("ask for a version or for a label, not for both")
        if self.version is not None and not 0 < self.version <= _LAST_VERSION:
            raise ClientError(f"version is {self.version!r}: versions are numbers from 1 to 2**63 - 1")

    def fill(self, spec: Any) -> None:
        """Write this into a ModelSpec."""
        spec.name = self.name
        if self.version is not None:
            spec.version.value = self.version
        if self.label is not None:
            spec.version_label = self.label


def predictions(model: Model, run: Run, chunk_rows: int) -> Generator[Any, Any, dict[str, np.ndarray]]:
    """Run one signature in chunks: yields PredictRequests, is sent their PredictResponses.

    Every chunk is drawn from the same version: where the server switches in between, the draw starts over.

    Raises:
        ClientError: An answer that no Forger generator gives, or a server that switches all the time.
    """
    rows = len(run.inputs[INPUT_LABEL])
    # Its images are floats: four bytes a value, so a quarter of the rows makes as large an answer.
    chunk_rows = max(1, chunk_rows // 4) if run.signature == SIGNATURE_DEFAULT else chunk_rows
    for _ in range(_SWITCHES):
        parts, versions = [], set()
        for part in chunks(rows, chunk_rows):
            inputs = {alias: value[part] for alias, value in run.inputs.items()}
            response = yield _predict_request(model, run, inputs)
            parts.append(_outputs(model, run, response, len(inputs[INPUT_LABEL])))
            versions.add(response.model_spec.version.value)
            if len(versions) > 1:
                break
        else:
            return {alias: np.concatenate([part[alias] for part in parts]) for alias in run.outputs}
    raise ClientError(f"{model.target} changes its model version faster than {rows} rows can be drawn: ask for fewer")


def _predict_request(model: Model, run: Run, inputs: dict[str, np.ndarray]) -> Any:
    request = wire.PredictRequest(output_filter=sorted(run.outputs))
    model.fill(request.model_spec)
    request.model_spec.signature_name = run.signature
    for alias, value in inputs.items():
        request.inputs[alias].CopyFrom(to_tensor(value))
    return request


def _outputs(model: Model, run: Run, response: Any, rows: int) -> dict[str, np.ndarray]:
    answer = {}
    for alias, dtype in run.outputs.items():
        if alias not in response.outputs:
            raise ClientError(f"{model.name} on {model.target} is not a Forger generator: it answers no {alias}")
        found = answer[alias] = to_array(response.outputs[alias])
        whole = found.shape[:1] == (rows,) and (found.ndim == _IMAGES_RANK or alias != OUTPUT_IMAGE)
        if found.dtype != dtype or not whole:
            got = f"{found.dtype} {list(found.shape)}"
            raise ClientError(f"{model.name} on {model.target} is not a Forger generator: it answers {alias} as {got}")
    return answer


def metadata_request(model: Model) -> Any:
    """Ask for the signatures."""
    request = wire.GetModelMetadataRequest(metadata_field=["signature_def"])
    model.fill(request.model_spec)
    return request


def read_metadata(response: Any) -> ModelMetadata:
    """Read what `metadata_request` is answered."""
    found = wire.SignatureDefMap.FromString(response.metadata["signature_def"].value)

    def described(infos: Any) -> dict[str, TensorInfo]:
        return {
            alias: TensorInfo(
                dtype_name(info.dtype),
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


def status_request(model: Model) -> Any:
    """Ask for the state of versions: of the one that is meant, or of all."""
    request = wire.GetModelStatusRequest()
    model.fill(request.model_spec)
    return request


def read_status(response: Any) -> list[VersionStatus]:
    """Read what `status_request` is answered, oldest first."""
    found = [
        VersionStatus(one.version, wire.state_name(one.state), one.status.error_message) for one in response.model_version_status
    ]
    return sorted(found, key=lambda status: status.version)
