"""A folder of images as a dataset: looked at first, then written as TFDS's records; made again only if the images change."""

from __future__ import annotations

import contextlib
import hashlib
import io
from dataclasses import dataclass
from pathlib import Path

from components.ingest import record
from components.ingest.folder_survey import Survey, source_digest, survey
from components.ingest.folder_tree import Tree, read_tree
from components.ingest.record import PreparedDataset
from components.ingest.settings import TRAIN_SPLIT, DataSettings
from components.progress import log_note
from serving.repository.errors import UserError

_NAMED = 5  # unreadable files that are named


@dataclass(frozen=True)
class Plan:
    """A folder that has been looked at and is to be written."""

    data: DataSettings
    folder: Path
    tree: Tree
    survey: Survey


def look(data: DataSettings, data_dir: Path) -> PreparedDataset | Plan:
    """Look at a folder, without writing anything.

    Args:
        data: The settings, with `data.folder`.
        data_dir: TFDS's data_dir.

    Returns:
        The dataset, if it has been prepared from the very same images; else what is to be done.

    Raises:
        UserError: The folder isn't one that a GAN can be trained on, or another folder already has its name.
    """
    folder = Path(data.folder or "")
    tree = read_tree(folder)
    before = record.load(data.dataset, data_dir)
    if before is not None:
        made_of = _source(data, folder, tree, source_digest(folder, tree))
        if {**before.source, "folder": None} == {**made_of, "folder": None}:  # wherever it lay
            return before
        _check_name(data, before, folder)
    return Plan(data, folder, tree, survey(folder, tree, data.max_unreadable))


def generate(plan: Plan, data_dir: Path) -> PreparedDataset:
    """Write a folder's images as TFDS's records, and record the result.

    Args:
        plan: What `look` has found.
        data_dir: TFDS's data_dir; this process's alone.

    Raises:
        UserError: The folder changed after the look, or a class has no image to train on.
    """
    # Not before there is something to write: TFDS takes seconds to import.
    import tensorflow_datasets as tfds

    from components.ingest.folder_builder import Folder, split_images
    from components.ingest.tfds_dataset import clear, disk_errors, record_of
    from components.ingest.tfds_features import IMAGE, LABEL, Fields

    tree, seen = plan.tree, plan.survey
    made_of = _source(plan.data, plan.folder, tree, seen.source_digest)
    if prepared := record.load(plan.data.dataset, data_dir, made_of):  # by another process, while this one looked
        return prepared
    trained = {image.candidate.label for image in split_images(seen)[TRAIN_SPLIT]}
    if missing := [name for name in tree.class_names if name not in trained]:
        raise UserError(f"{plan.folder} has no image to train on of {', '.join(missing[:_NAMED])}: add some, or remove the class")
    for path, why in list(seen.unreadable.items())[:_NAMED]:
        log_note(f"{plan.folder / path} is left out: {why}")
    clear(data_dir / plan.data.dataset / str(Folder.VERSION))
    log_note(f"{plan.data.dataset}: preparing the records of {plan.folder}")
    config = tfds.core.BuilderConfig(name=plan.data.dataset.partition("/")[2])
    builder = Folder(plan.folder, seen, tree.class_names, config=config, data_dir=data_dir)
    tfds.disable_progress_bar()
    with contextlib.redirect_stdout(io.StringIO()), disk_errors():
        builder.download_and_prepare(file_format="tfrecord")
    return record_of(
        plan.data.dataset,
        data_dir,
        builder,
        Fields(IMAGE, LABEL if tree.class_names else None, tree.class_names, (None, None, None)),
        str(plan.folder),
        made_of,
        shapes=seen.shapes,
        unreadable=len(seen.unreadable),
    )


def _source(data: DataSettings, folder: Path, tree: Tree, digest: str) -> dict[str, str | None]:
    """What decides a folder's records, for `PreparedDataset.source`."""
    names = hashlib.sha256("\0".join(tree.class_names).encode()).hexdigest()
    return {"folder": str(folder), "content": digest, "classes": names, "max_unreadable": f"{data.max_unreadable:g}"}


def _check_name(data: DataSettings, before: PreparedDataset, folder: Path) -> None:
    """Two folders that have the same name would overwrite each other's models."""
    other = Path(before.source.get("folder") or folder)
    if other != folder and other.is_dir() and not other.samefile(folder):
        raise UserError(f"{data.dataset} is already {other}: give {folder} another name with --set data.dataset=folder/NAME")
