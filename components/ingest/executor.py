"""The executor of TfdsExampleGen: reads TFDS's record files with Beam and writes them as TFX expects."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apache_beam as beam
from apache_beam.io import WriteToTFRecord
from apache_beam.runners.portability.fn_api_runner.fn_runner import FnApiRunner
from tfx.components.example_gen import write_split
from tfx.components.util import examples_utils
from tfx.dsl.components.base import base_beam_executor
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils

from components.ingest.prepare import prepare
from components.ingest.record import PreparedDataset
from components.ingest.settings import EVAL_SPLIT, TRAIN_SPLIT
from serving.repository.errors import UserError, first_line

# Execution parameters and the output.
DATASET, DATA_DIR, DATA_DIGEST = "dataset", "data_dir", "data_digest"
TRAIN_EXPRESSION, EVAL_EXPRESSION = "train_split", "eval_split"
EXAMPLES = "examples"
_READ_BATCH = 1024


class Executor(base_beam_executor.BaseBeamExecutor):
    """Copies records shard by shard, in TFDS's own (shuffled, reproducible) order: no decoding, no second shuffle."""

    def Do(self, input_dict: dict[str, list], output_dict: dict[str, list], exec_properties: dict[str, Any]) -> None:
        """Write both splits.

        Raises:
            UserError: The data has another digest than the pipeline was made for, or a split expression is wrong or empty, or
                the splits share records.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        dataset = exec_properties[DATASET]
        prepared = prepare(dataset, Path(exec_properties[DATA_DIR]))
        wanted = exec_properties[DATA_DIGEST]
        if prepared.digest != wanted:
            raise UserError(f"{dataset} changed after set-up (digest {prepared.digest}, expected {wanted}): run again")
        expressions = {TRAIN_SPLIT: exec_properties[TRAIN_EXPRESSION], EVAL_SPLIT: exec_properties[EVAL_EXPRESSION]}
        pieces = {split: _pieces(prepared, expression) for split, expression in expressions.items()}
        if shared := _in_both(*pieces.values()):
            raise UserError(
                f"data.train_split={expressions[TRAIN_SPLIT]} and data.eval_split={expressions[EVAL_SPLIT]} of {dataset} share "
                f"{shared} records: a generator can't be judged by what it learnt from; take splits that share none"
            )
        artifact = artifact_utils.get_single_instance(output_dict[EXAMPLES])
        artifact.split_names = artifact_utils.encode_split_names(list(expressions))
        examples_utils.set_payload_format(artifact, example_gen_pb2.FORMAT_TF_EXAMPLE)
        with self._make_beam_pipeline() as pipeline:
            # Here in TFDS's own order, which is shuffled already, by a hash, and so reproducible. A cluster writes in whatever
            # order, so there its workers share the files.
            shared = not isinstance(pipeline.runner, FnApiRunner)
            for split, shards in pieces.items():
                target = os.path.join(artifact_utils.get_split_uri([artifact], split), write_split.DEFAULT_FILE_NAME)
                _ = (
                    pipeline
                    | f"Shards[{split}]" >> beam.Create(shards, reshuffle=shared)
                    | f"Read[{split}]" >> beam.FlatMap(_read).with_output_types(bytes)
                    | f"Write[{split}]" >> WriteToTFRecord(target, file_name_suffix=".gz")
                )


def _pieces(prepared: PreparedDataset, expression: str) -> list[tuple[str, int, int]]:
    """What a split expression selects: (file, records to skip, records to take), one for each shard it touches."""
    import tensorflow_datasets as tfds

    try:
        split = tfds.builder_from_directory(prepared.directory).info.splits[expression]
        pieces = [(piece.filename, piece.skip, piece.take) for piece in split.file_instructions]
    except (ValueError, KeyError) as error:
        raise UserError(
            f"split {expression!r} of {prepared.dataset} can't be read ({first_line(error)}): it has {prepared.splits}"
        ) from None
    if not sum(take for _, _, take in pieces):
        raise UserError(f"split {expression!r} of {prepared.dataset} holds no records: it has {prepared.splits}")
    return pieces


def _in_both(first: list[tuple[str, int, int]], second: list[tuple[str, int, int]]) -> int:
    """Count the records that both selections hold."""
    shared = 0
    for path, skip, take in first:
        for other_path, other_skip, other_take in second:
            if path == other_path:
                shared += max(0, min(skip + take, other_skip + other_take) - max(skip, other_skip))
    return shared


def _read(piece: tuple[str, int, int]) -> Iterator[bytes]:
    """Read serialized tf.Examples of one shard."""
    import tensorflow as tf

    path, skip, take = piece
    # In batches: handing records to Python one by one takes ten times as long.
    for batch in tf.data.TFRecordDataset(path).skip(skip).take(take).batch(_READ_BATCH).as_numpy_iterator():
        yield from batch.tolist()
