"""`forger data`."""

from __future__ import annotations

from pathlib import Path

import cloup

from pipeline.commands.base import examples, group, say
from pipeline.commands.options import data_changes, data_option, home_option, json_option, not_with, set_option
from pipeline.home.home import Home


@group()
def data() -> None:
    """Bring datasets to disk."""


@data.command(
    epilog=examples(
        "forger data fetch --dataset fashion_mnist",
        "forger data fetch --source ~/downloads",
        "forger data fetch --data ~/pictures/flowers",
    )
)
@cloup.option("--dataset", metavar="NAME", help="TFDS name, default mnist.")
@data_option
@cloup.option("--source", metavar="PLACE", help="auto (default), upstream, mirror, or a directory with the original archives.")
@set_option
@home_option
@json_option
@not_with("data_folder", "dataset", "source", why="--data names a folder of images: give it without --dataset and --source")
def fetch(
    dataset: str | None, data_folder: Path | None, source: str | None, changes: tuple[str, ...], home: Path, as_json: bool
) -> None:
    """Bring a dataset to disk, checksums verified where it has any, or a folder of images; says what it holds."""
    from components.ingest.image_shape import decide_shape
    from components.ingest.summary import changes as changes_of
    from components.ingest.summary import describe
    from pipeline.config import resolve_config
    from pipeline.runner.run import prepare_data

    settings = resolve_config(changes=data_changes(dataset, data_folder, changes)).data
    prepared = prepare_data(settings, Home.at(home), source or "auto")
    shape = decide_shape(prepared.shapes, settings.image_size, settings.channels)
    facts = {
        "dataset": prepared.dataset,
        "version": prepared.version,
        "splits": prepared.splits,
        "classes": list(prepared.class_names),
        "labelled": prepared.labelled,
        "image_shape": list(shape),
        "changes": changes_of(prepared, shape),
        "source": prepared.origin,
        "directory": str(prepared.directory),
        "digest": prepared.digest,
    }
    checked = ", verified" if prepared.verified else ""
    say(f"{describe(prepared, settings)}\nfrom {prepared.origin}{checked}: {prepared.directory}", facts, as_json=as_json)
