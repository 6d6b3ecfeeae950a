"""One shard: drawn and written by one worker, in equal batches, so that its bytes depend on the request alone."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import tensorflow as tf

from components.transform.pixels import IMAGE_KEY, LABEL_KEY
from pipeline.generate.request import Layout, Request
from serving.client.rows import chunks, labels_for, seeds_for
from serving.repository.durable import partial_path
from serving.repository.errors import UserError, first_line
from serving.saved_model.generator import LocalGenerator

SEED_KEY = "seed"  # of an example, beside the two that every raw example has


class Sample(NamedTuple):
    """One row."""

    row: int
    png: bytes
    label: int  # -1 where the generator has no classes
    seed: int  # as the serving signatures take it


def write_shard(request: Request, number: int, generator: LocalGenerator, directory: Path) -> None:
    """Draw a shard and write it whole or not at all; one that is there already is left alone.

    Raises:
        UserError: The disk is full or refuses.
        UserError: The generator refuses.
    """
    target = directory / request.file_name(number)
    if target.exists():
        return
    try:
        with partial_path(target) as partial:  # another name for each try: an engine may run the same shard twice at once
            _WRITERS[request.layout](partial, _draw(request, number, generator))
    except (OSError, tf.errors.OpError) as error:
        raise UserError(f"cannot write {target}: {first_line(error)}; the same command goes on with this shard") from error


def _draw(request: Request, number: int, generator: LocalGenerator) -> Iterator[Sample]:
    rows = request.rows(number)
    # In chunks that begin with the shard: a batch's size could show in the last bit of a sum.
    for chunk in chunks(len(rows)):
        places = rows[chunk]
        seeds = seeds_for(request.seed, len(places), first=places.start)
        pngs, labels = generator.sample_png(seeds, labels_for(request.label, len(places)))
        yield from map(Sample, places, pngs, labels.tolist(), seeds.tolist())


def _write_tfrecord(path: Path, samples: Iterable[Sample]) -> None:
    with tf.io.TFRecordWriter(str(path)) as writer:
        for sample in samples:
            features = {
                IMAGE_KEY: tf.train.Feature(bytes_list=tf.train.BytesList(value=[sample.png])),
                LABEL_KEY: tf.train.Feature(int64_list=tf.train.Int64List(value=[sample.label])),
                SEED_KEY: tf.train.Feature(int64_list=tf.train.Int64List(value=[sample.seed])),
            }
            example = tf.train.Example(features=tf.train.Features(feature=features))
            writer.write(example.SerializeToString(deterministic=True))


def _write_tar(path: Path, samples: Iterable[Sample]) -> None:
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as archive:
        for sample in samples:
            about = json.dumps({LABEL_KEY: sample.label, SEED_KEY: sample.seed}).encode()
            for suffix, content in (("png", sample.png), ("json", about)):
                # Its times and owners stay at zero: they are not part of the request.
                member = tarfile.TarInfo(f"{sample.row:012d}.{suffix}")
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))


_WRITERS: dict[Layout, Callable[[Path, Iterable[Sample]], None]] = {Layout.TFRECORD: _write_tfrecord, Layout.PNG: _write_tar}
