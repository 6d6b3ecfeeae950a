"""The executor of TfdsExampleGen: reads TFDS's record files with Beam and writes them as TFX expects."""

from __future__ import annotations

import os
import re
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

from components.ingest import record
from components.ingest.record import PreparedDataset
from components.ingest.settings import EVAL_SPLIT, TRAIN_SPLIT
from components.ingest.tfds_features import IMAGE, LABEL
from serving.repository.errors import UserError, first_line

# Execution parameters and the output.
DATASET, DATA_DIR, DATA_DIGEST = "dataset", "data_dir", "data_digest"
TRAIN_EXPRESSION, EVAL_EXPRESSION = "train_split", "eval_split"
EXAMPLES = "examples"
_READ_BATCH = 32  # records: of photographs each may be some megabytes


class Executor(base_beam_executor.BaseBeamExecutor):
    """Copies records shard by shard, in TFDS's own (shuffled, reproducible) order: no decoding, no second shuffle.

    Of records that hold more, or under other names, only the image and the class are copied.
    """

    def Do(self, input_dict: dict[str, list], output_dict: dict[str, list], exec_properties: dict[str, Any]) -> None:
        """Write both splits.

        Raises:
            UserError: The data has another digest than the pipeline was made for, or a split expression is wrong or empty, or
                the splits share records.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        dataset = exec_properties[DATASET]
        prepared = record.load(dataset, Path(exec_properties[DATA_DIR]))
        wanted = exec_properties[DATA_DIGEST]
        if prepared is None or prepared.digest != wanted:
            found = f"digest {prepared.digest}" if prepared else "its files are altered"
            raise UserError(f"{dataset} changed after set-up ({found}, expected digest {wanted}): run again")
        expressions = {TRAIN_SPLIT: exec_properties[TRAIN_EXPRESSION], EVAL_SPLIT: exec_properties[EVAL_EXPRESSION]}
        pieces = {split: _pieces(prepared, expression) for split, expression in expressions.items()}
        if shared := _in_both(*pieces.values()):
            raise UserError(
                f"data.train_split={expressions[TRAIN_SPLIT]} and data.eval_split={expressions[EVAL_SPLIT]} of {dataset} share "
                f"{shared} records: a generator can't be judged by what it learnt from; take splits that share none"
            )
        features = _features(prepared)
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
                    | f"Read[{split}]" >> beam.FlatMap(_read, features).with_output_types(bytes)
                    | f"Write[{split}]" >> WriteToTFRecord(target, file_name_suffix=".gz")
                )


def _features(prepared: PreparedDataset) -> dict[str, str] | None:
    """Which features are copied, by their names in the records; None where the records hold nothing else."""
    import tensorflow_datasets as tfds

    chosen = {prepared.image_key: IMAGE, **({prepared.label_key: LABEL} if prepared.labelled else {})}
    held: Any = tfds.builder_from_directory(prepared.directory).info.features
    return None if set(held) == set(chosen) == set(chosen.values()) else chosen


def _pieces(prepared: PreparedDataset, expression: str) -> list[tuple[str, int, int]]:
    """What a split expression selects: (file, records to skip, records to take), one for each shard it touches."""
    import tensorflow_datasets as tfds

    try:
        split = tfds.builder_from_directory(prepared.directory).info.splits[_within(expression, prepared.splits)]
        pieces = [(piece.filename, piece.skip, piece.take) for piece in split.file_instructions]
    except (ValueError, KeyError) as error:
        raise UserError(
            f"split {expression!r} of {prepared.dataset} can't be read ({first_line(error)}): it has {prepared.splits}; "
            "choose with data.train_split and data.eval_split"
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


def _within(expression: str, splits: dict[str, int]) -> str:
    """End a slice where its split ends, as Python does: `train[:6000]` of 200 images is all of them."""

    def ended(found: re.Match[str]) -> str:
        split, first, last = found.groups()
        return f"{split}[{first}:{min(int(last), splits.get(split, int(last)))}]"

    return re.sub(r"(\w+)\[(\d*):(\d+)\]", ended, expression)


def _read(piece: tuple[str, int, int], features: dict[str, str] | None) -> Iterator[bytes]:
    """Read serialized tf.Examples of one shard."""
    import tensorflow as tf

    path, skip, take = piece
    # In batches: handing records to Python one by one takes ten times as long.
    for batch in tf.data.TFRecordDataset(path).skip(skip).take(take).batch(_READ_BATCH).as_numpy_iterator():
        yield from batch.tolist() if features is None else (_chosen(example, features) for example in batch)


def _chosen(serialized: bytes, features: dict[str, str]) -> bytes:
    """An example with the chosen features alone, under the names that all later components know."""
    import tensorflow as tf

    held = tf.train.Example.FromString(serialized).features.feature
    chosen = {name: held[key] for key, name in features.items()}
    return tf.train.Example(features=tf.train.Features(feature=chosen)).SerializeToString(deterministic=True)
