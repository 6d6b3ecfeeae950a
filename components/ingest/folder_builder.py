"""The TFDS builder of an image folder: what `tfds.ImageFolder` is, but with records on disk, splits by content and any format."""

from __future__ import annotations

import hashlib
import io
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tensorflow_datasets as tfds

from components.ingest.folder_split import choose_test
from components.ingest.folder_survey import Seen, Survey, changed, read
from components.ingest.image_file import UnreadableError, encoded
from components.ingest.settings import EVAL_SPLIT, FOLDER_FAMILY, TRAIN_SPLIT
from components.progress import report_progress

_REPORT_EVERY = 256  # images


class Folder(tfds.core.GeneratorBasedBuilder, skip_registration=True):
    """Writes a folder's images, as a survey has found them.

    A record's place depends on the content and the class alone, so renaming or touching files changes no record.
    """

    name = FOLDER_FAMILY
    VERSION = tfds.core.Version("1.0.0")

    def __init__(self, folder: Path, survey: Survey, class_names: tuple[str, ...], **arguments: Any) -> None:
        """Make the builder.

        Args:
            folder: The folder.
            survey: Its images.
            class_names: Name of each class; empty for unlabelled images.
            **arguments: Of TFDS's builders; `config` names the folder.
        """
        self._folder, self._survey, self._class_names = folder, survey, class_names
        self._written = 0
        super().__init__(**arguments)

    def _info(self) -> tfds.core.DatasetInfo:
        channels = {shape.channels for shape in self._survey.shapes}
        sides = {shape[:2] for shape in self._survey.shapes}
        shape = (*(sides.pop() if len(sides) == 1 else (None, None)), channels.pop() if len(channels) == 1 else None)
        features: dict[str, Any] = {"image": tfds.features.Image(shape=shape)}
        if self._class_names:
            features["label"] = tfds.features.ClassLabel(names=list(self._class_names))
        return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict(features))

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Any]:
        splits = split_images(self._survey)
        return {split: self._generate_examples(images) for split, images in splits.items()}

    def _generate_examples(self, images: list[Seen]) -> Iterator[tuple[str, dict[str, Any]]]:
        copies: Counter[str] = Counter()
        for candidate, digest, _ in images:
            self._written += 1
            if self._written % _REPORT_EVERY == 0 or self._written == len(self._survey.images):
                report_progress("writing the records", self._written, len(self._survey.images), "images")
            try:
                content = read(self._folder, candidate)
            except UnreadableError:
                content = b""
            if hashlib.sha256(content).digest() != digest:
                raise changed(self._folder, candidate)
            key = f"{digest.hex()} {candidate.label}"
            copies[key] += 1
            example: dict[str, Any] = {"image": io.BytesIO(encoded(content))}
            if candidate.label is not None:
                example["label"] = self._class_names.index(candidate.label)
            yield f"{key} {copies[key]}", example


def split_images(survey: Survey) -> dict[str, list[Seen]]:
    """Sort images into the splits that their folders name, or else into train and test by content.

    A folder's `validation` split serves as `test` where it has no other.
    """
    splits: dict[str, list[Seen]] = defaultdict(list)
    for seen in survey.images:
        splits[seen.candidate.split or TRAIN_SPLIT].append(seen)
    if len(splits) == 1:
        everything = splits[TRAIN_SPLIT]
        test = choose_test([seen.digest for seen in everything], [seen.candidate.label for seen in everything])
        return {
            TRAIN_SPLIT: [seen for seen in everything if seen.digest not in test],
            EVAL_SPLIT: [seen for seen in everything if seen.digest in test],
        }
    if EVAL_SPLIT not in splits:
        splits[EVAL_SPLIT] = splits.pop("validation")
    return dict(splits)
