"""`forger data`."""

from __future__ import annotations

from pathlib import Path

import cloup

from pipeline.commands.base import examples, group, say
from pipeline.commands.options import home_option, json_option
from pipeline.home.home import Home


@group()
def data() -> None:
    """Bring datasets to disk."""


@data.command(epilog=examples("forger data fetch --dataset fashion_mnist", "forger data fetch --source ~/downloads"))
@cloup.option("--dataset", metavar="NAME", default="mnist", show_default=True, help="TFDS name.")
@cloup.option(
    "--source",
    metavar="PLACE",
    default="auto",
    show_default=True,
    help="auto, upstream, mirror, or a directory with the original archives.",
)
@home_option
@json_option
def fetch(dataset: str, source: str, home: Path, as_json: bool) -> None:
    """Bring a dataset to disk, checksums verified."""
    from pipeline.runner.run import prepare_data

    prepared = prepare_data(dataset, Home.at(home), source)
    counts = ", ".join(f"{count:,} {split}" for split, count in prepared.splits.items())
    line = f"{prepared.dataset} {prepared.version} ({counts}) from {prepared.origin}, verified: {prepared.directory}"
    facts = {
        "dataset": prepared.dataset,
        "version": prepared.version,
        "splits": prepared.splits,
        "source": prepared.origin,
        "directory": str(prepared.directory),
        "digest": prepared.digest,
    }
    say(line, facts, as_json=as_json)
