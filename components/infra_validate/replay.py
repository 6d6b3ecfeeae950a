"""Load a SavedModel and check that it answers by the serving contract: `python -m components.infra_validate.replay DIR`.

Exit status 0: it does. 3: it does not, the last line of standard output says why.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from components.infra_validate.as_graph import graph_answers
from components.infra_validate.fresh_process import REFUSED
from components.transform.pixels import quantise
from serving.repository import contract
from serving.repository.errors import flat_message
from serving.repository.metadata import metadata_or_nothing

_ROWS = 8  # rows of the checks that compare batches
# Kernels add up in another order for another batch size, so a pixel that sits on the edge of two grey levels may take the other
# one: measured, 1 pixel of 200,000 by 1 level for the float32 conv generator, 600 by 2 levels had it run in bfloat16.
_ROUNDED_LEVELS, _ROUNDED_SHARE = 1, 1e-3
# Signature -> inputs and outputs: dtype and shape without the batch, or the key of the metadata that tells it.
_LATENT = (tf.float32, contract.META_LATENT_SIZE)
_INTEGER = (tf.int64, ())
_SIGNATURES: dict[str, tuple[dict, dict]] = {
    contract.SIGNATURE_DEFAULT: (
        {contract.INPUT_LATENT: _LATENT, contract.INPUT_LABEL: _INTEGER},
        {contract.OUTPUT_IMAGE: (tf.float32, contract.META_IMAGE_SHAPE)},
    ),
    contract.SIGNATURE_SAMPLE: (
        {contract.INPUT_SEED: _INTEGER, contract.INPUT_LABEL: _INTEGER},
        {contract.OUTPUT_IMAGE: (tf.uint8, contract.META_IMAGE_SHAPE), contract.OUTPUT_LABEL: _INTEGER},
    ),
    contract.SIGNATURE_SAMPLE_PNG: (
        {contract.INPUT_SEED: _INTEGER, contract.INPUT_LABEL: _INTEGER},
        {contract.OUTPUT_PNG: (tf.string, ()), contract.OUTPUT_LABEL: _INTEGER},
    ),
    contract.SIGNATURE_LATENT: (
        {contract.INPUT_SEED: _INTEGER, contract.INPUT_LABEL: _INTEGER},
        {contract.OUTPUT_LATENT: _LATENT, contract.OUTPUT_LABEL: _INTEGER},
    ),
}
_METADATA_TYPES = {
    contract.META_FORMAT: int,
    contract.META_DATASET: str,
    contract.META_CLASS_NAMES: list,
    contract.META_CONDITIONAL: bool,
    contract.META_LATENT_SIZE: int,
    contract.META_IMAGE_SHAPE: list,
    contract.META_RECIPE: str,
    contract.META_SEED: int,
    contract.META_CONFIG: dict,
    contract.META_CODE_HASH: str,
    contract.META_DATA_DIGEST: str,
    contract.META_TRAINING_KEY: str,
}
_MAX_REASON = 1000  # characters; TensorFlow's errors carry whole graphs


class ContractError(Exception):
    """What the model does otherwise than the contract says."""


def check_model(directory: Path) -> int:
    """Check a SavedModel against the serving contract.

    Returns:
        Warm-up requests that were replayed.

    Raises:
        ContractError: The first thing that is not as the contract says.
    """
    metadata = _check_metadata(directory)
    try:
        model = tf.saved_model.load(str(directory))
    except Exception as error:  # TensorFlow and protobuf raise many kinds for a damaged file
        raise ContractError(f"the SavedModel cannot be loaded: {error}") from error
    signatures = model.signatures
    for name, (inputs, outputs) in _SIGNATURES.items():
        if name not in signatures:
            raise ContractError(f"signature {name} is missing")
        _check_specs(f"input of {name}", signatures[name].structured_input_signature[1], inputs, metadata)
        _check_specs(f"output of {name}", signatures[name].structured_outputs, outputs, metadata)
    replayed = _replay(directory, signatures, metadata)
    _check_rows(signatures, metadata)
    _check_graph(directory, signatures, metadata)
    return replayed


def _check_metadata(directory: Path) -> dict[str, Any]:
    metadata = metadata_or_nothing(directory)
    if not metadata:
        raise ContractError(f"{contract.METADATA_FILE} cannot be read: the trainer writes it as a JSON object")
    for key, kind in _METADATA_TYPES.items():
        if not isinstance(metadata.get(key), kind):
            raise ContractError(f"{contract.METADATA_FILE}: {key} must be {kind.__name__}, is {metadata.get(key)!r}")
    shape = metadata[contract.META_IMAGE_SHAPE]
    if len(shape) != 3 or not all(type(side) is int and side > 0 for side in shape) or shape[2] not in (1, 3):
        raise ContractError(f"{contract.METADATA_FILE}: {contract.META_IMAGE_SHAPE} must be [height, width, 1 or 3], is {shape}")
    if metadata[contract.META_FORMAT] != contract.METADATA_FORMAT:
        raise ContractError(f"{contract.METADATA_FILE}: {contract.META_FORMAT} must be {contract.METADATA_FORMAT}")
    return metadata


def _check_specs(what: str, found: dict[str, tf.TensorSpec], wanted: dict, metadata: dict[str, Any]) -> None:
    if set(found) != set(wanted):
        raise ContractError(f"{what}: names are {sorted(found)}, the contract has {sorted(wanted)}")
    for alias, (dtype, shape) in wanted.items():
        row = _row(shape, metadata)
        if found[alias].dtype != dtype:
            raise ContractError(f"{what}: {alias} is {found[alias].dtype.name}, the contract has {dtype.name}")
        # Outputs may have lost their static shape on the way; what they really have is checked on every answer.
        known = found[alias].shape.as_list() if found[alias].shape.rank is not None else [None, *row]
        rigid = what.startswith("input") and known != [None, *row]
        if rigid or not found[alias].shape.is_compatible_with([None, *row]) or known[0] is not None:
            raise ContractError(f"{what}: {alias} has shape {known}, the contract has {[None, *row]}")


def _row(shape: tuple[int, ...] | str, metadata: dict[str, Any]) -> list[int]:
    if not isinstance(shape, str):
        return list(shape)
    told = metadata[shape]
    return told if isinstance(told, list) else [told]


def _replay(directory: Path, signatures: Any, metadata: dict[str, Any]) -> int:
    path = directory / contract.WARMUP_FILE
    if not path.is_file():
        raise ContractError(f"{contract.WARMUP_FILE} is missing")
    replayed = 0
    for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
        request = prediction_log_pb2.PredictionLog.FromString(record).predict_log.request
        name = request.model_spec.signature_name or contract.SIGNATURE_DEFAULT
        if name not in _SIGNATURES:
            raise ContractError(f"warm-up request {replayed + 1} asks for signature {name!r}, which the contract has not")
        inputs = {alias: tf.constant(tf.make_ndarray(proto)) for alias, proto in request.inputs.items()}
        _run(signatures, name, inputs, metadata)
        replayed += 1
    if not 0 < replayed <= contract.MAX_WARMUP_REQUESTS:
        raise ContractError(f"{replayed} warm-up requests, must be 1 to {contract.MAX_WARMUP_REQUESTS}")
    return replayed


def _run(signatures: Any, name: str, inputs: dict[str, tf.Tensor], metadata: dict[str, Any]) -> dict[str, np.ndarray]:
    """Run a signature and check dtype, shape and range of what it answers."""
    try:
        answer = {alias: value.numpy() for alias, value in signatures[name](**inputs).items()}
    except (tf.errors.OpError, TypeError, ValueError) as error:
        raise ContractError(f"{name} cannot be run: {error}") from error
    rows = int(inputs[contract.INPUT_LABEL].shape[0])
    for alias, (dtype, shape) in _SIGNATURES[name][1].items():
        wanted = (rows, *_row(shape, metadata))
        if answer[alias].shape != wanted or answer[alias].dtype != dtype.as_numpy_dtype:
            raise ContractError(
                f"{name} answers {alias} as {answer[alias].dtype} {list(answer[alias].shape)} to {rows} rows, "
                f"the contract has {dtype.name} {list(wanted)}"
            )
        if name == contract.SIGNATURE_DEFAULT and not (np.abs(answer[alias]) <= 1.0).all():
            raise ContractError(f"{name} answers pixels that are not finite or not within [-1, 1]")
    return answer


def _check_rows(signatures: Any, metadata: dict[str, Any]) -> None:
    """Check that a row's answer depends on its own seed and label alone, and that the PNGs are the same images."""
    seeds = np.arange(_ROWS, dtype=np.int64) * 7919 + 1
    labels = np.full(_ROWS, contract.ANY_LABEL, np.int64)
    if metadata[contract.META_CONDITIONAL]:
        labels[::2] = np.arange(len(labels[::2])) % len(metadata[contract.META_CLASS_NAMES])

    def drawn(signature: str, rows: Any) -> dict[str, np.ndarray]:
        inputs = {contract.INPUT_SEED: tf.constant(seeds[rows]), contract.INPUT_LABEL: tf.constant(labels[rows])}
        return _run(signatures, signature, inputs, metadata)

    batch = drawn(contract.SIGNATURE_SAMPLE, slice(None))
    answered = batch[contract.OUTPUT_LABEL]
    if metadata[contract.META_CONDITIONAL]:
        kept = np.where(labels == contract.ANY_LABEL, answered, labels)
        if (answered != kept).any() or answered.min() < 0 or answered.max() >= len(metadata[contract.META_CLASS_NAMES]):
            raise ContractError(f"sample answers labels {answered.tolist()} to requested {labels.tolist()}")
    elif (answered != contract.ANY_LABEL).any():
        raise ContractError(f"sample answers labels {answered.tolist()}, an unconditional generator answers {contract.ANY_LABEL}")
    _check_same_rows(batch, drawn(contract.SIGNATURE_SAMPLE, slice(None, None, -1)), slice(None, None, -1), "in reverse order")
    for row in range(_ROWS):
        _check_same_rows(batch, drawn(contract.SIGNATURE_SAMPLE, slice(row, row + 1)), slice(row, row + 1), "alone")
    pngs = drawn(contract.SIGNATURE_SAMPLE_PNG, slice(None))
    decoded = np.stack([tf.io.decode_png(png).numpy() for png in pngs[contract.OUTPUT_PNG]])
    if not np.array_equal(decoded, batch[contract.OUTPUT_IMAGE]) or not np.array_equal(pngs[contract.OUTPUT_LABEL], answered):
        raise ContractError("sample_png and sample answer different images or labels to the same seeds")
    latents = drawn(contract.SIGNATURE_LATENT, slice(None))
    inputs = {contract.INPUT_LATENT: latents[contract.OUTPUT_LATENT], contract.INPUT_LABEL: latents[contract.OUTPUT_LABEL]}
    images = _run(
        signatures, contract.SIGNATURE_DEFAULT, {alias: tf.constant(value) for alias, value in inputs.items()}, metadata
    )
    redrawn = {**latents, contract.OUTPUT_IMAGE: quantise(images[contract.OUTPUT_IMAGE]).numpy()}
    if problem := _difference(batch, redrawn, slice(None)):
        raise ContractError(
            f"serving_default draws other images from latent's latents than sample from the same seeds: {problem}"
        )


def _check_graph(directory: Path, signatures: Any, metadata: dict[str, Any]) -> None:
    """Check that the model answers alike where it is loaded as TensorFlow Serving loads it."""
    inputs = {contract.INPUT_SEED: np.arange(_ROWS, dtype=np.int64), contract.INPUT_LABEL: np.full(_ROWS, contract.ANY_LABEL)}
    name = contract.SIGNATURE_SAMPLE
    batch = _run(signatures, name, {alias: tf.constant(value) for alias, value in inputs.items()}, metadata)
    try:
        answer = graph_answers(directory, name, inputs)
    except tf.errors.OpError as error:
        raise ContractError(f"TensorFlow Serving could not run {name}: {flat_message(error)}") from error
    if problem := _difference(batch, answer, slice(None)):
        raise ContractError(f"loaded as TensorFlow Serving loads it, {name} draws other images: {problem}")


def _check_same_rows(batch: dict[str, np.ndarray], other: dict[str, np.ndarray], rows: slice, how: str) -> None:
    if problem := _difference(batch, other, rows):
        raise ContractError(f"a row's image depends on the batch that it travels in: {problem} when asked for {how}")


def _difference(batch: dict[str, np.ndarray], other: dict[str, np.ndarray], rows: slice) -> str | None:
    """Say how the rows of a batch differ from the same rows drawn otherwise; None for nothing but rounding."""
    images, again = batch[contract.OUTPUT_IMAGE][rows].astype(np.int64), other[contract.OUTPUT_IMAGE].astype(np.int64)
    differing = np.abs(images - again)
    rounding = differing.max() <= _ROUNDED_LEVELS and (differing > 0).mean() <= _ROUNDED_SHARE
    if rounding and np.array_equal(batch[contract.OUTPUT_LABEL][rows], other[contract.OUTPUT_LABEL]):
        return None
    return f"{int((differing > 0).sum())} of {differing.size} pixels differ, by up to {int(differing.max())} grey levels,"


def main() -> int:
    """Check the directory named on the command line."""
    try:
        replayed = check_model(Path(sys.argv[1]))
    except ContractError as error:
        print(" ".join(str(error).split())[:_MAX_REASON])
        return REFUSED
    print(f"replayed {replayed} warm-up requests")
    return 0


if __name__ == "__main__":
    sys.exit(main())
