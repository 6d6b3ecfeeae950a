"""What is asked for and how it is cut into shards: all that decides the bytes of every shard."""

from __future__ import annotations

import hashlib
import json
from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from serving.repository import contract
from serving.repository.layout import model_name
from serving.repository.manifest import file_digests

SPLIT = "train"  # the name of the only split: what a reader of data sets looks for first
DEFAULT_SHARD_SIZE = 10_000  # rows: about 4 MB, and seconds of work to lose when a run is killed
MAX_SHARDS = 1_000_000  # a directory is listed every few seconds
_FORMAT = 1  # of the request's own file; another one is not read


class Layout(StrEnum):
    """How rows are written."""

    TFRECORD = "tfrecord"
    PNG = "png"


# Bytes that a row takes at least: a digit's PNG has about 300; in a tar, a header and padding to 512 bytes go with both files.
LEAST_ROW_BYTES = {Layout.TFRECORD: 300, Layout.PNG: 2048}
_SUFFIX = {Layout.TFRECORD: "tfrecord", Layout.PNG: "tar"}


class Request(BaseModel):
    """One request for images; row i has the i-th seed of `serving.client.rows.seeds_for(seed, ...)`, as in `forger sample`.

    Attributes:
        model: The servable's name.
        version: What the user knows the version by.
        model_digest: `digest_of` its files.
        class_names: Names by label.
        count: Images.
        seed: The user's seed.
        label: The class of all; None for any class, drawn from each row's seed.
        layout: How rows are written.
        shard_size: Rows of a shard; the last one may have fewer.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = Field(default=_FORMAT, ge=_FORMAT, le=_FORMAT)
    model: str
    version: str
    model_digest: str
    class_names: tuple[str, ...]
    count: int = Field(ge=1)
    seed: int
    label: int | None
    layout: Layout
    shard_size: int = Field(ge=1)

    @property
    def shards(self) -> int:
        """Number of shards."""
        return -(-self.count // self.shard_size)

    def rows(self, shard: int) -> range:
        """Numbers of a shard's rows."""
        return range(shard * self.shard_size, min((shard + 1) * self.shard_size, self.count))

    def file_name(self, shard: int) -> str:
        """A shard's file: TFDS's own pattern for TFRecords, and the like for tars."""
        place = f"{shard:05d}-of-{self.shards:05d}"
        if self.layout is Layout.TFRECORD:
            return f"{self.model}-{SPLIT}.{_SUFFIX[self.layout]}-{place}"
        return f"{self.model}-{SPLIT}-{place}.{_SUFFIX[self.layout]}"

    def difference(self, other: Request) -> str:
        """What of another request is not as in this one, in words; empty if both give the same bytes."""
        found = [
            f"{name} {_shown(mine)}, not {_shown(theirs)}"
            for name, mine, theirs in (
                ("--format", self.layout, other.layout),
                ("--count", self.count, other.count),
                ("--seed", self.seed, other.seed),
                ("--label", self.label, other.label),
                ("--shard-size", self.shard_size, other.shard_size),
            )
            if mine != theirs
        ]
        if (self.model, self.model_digest) != (other.model, other.model_digest):
            found.append(f"{self.model} version {self.version}, not {other.model} version {other.version}")
        return "; ".join(found)


def digest_of(model: Path) -> str:
    """SHA-256 over names and contents of a version's files."""
    return hashlib.sha256(json.dumps(file_digests(model), sort_keys=True).encode()).hexdigest()


def servable_name(metadata: dict, dataset: str) -> str:
    """The servable's name of a version: by its own metadata, else by the data set asked for."""
    return model_name(metadata.get(contract.META_DATASET) or dataset)


def _shown(value: object) -> str:
    return "any" if value is None else str(value)
