"""`forger data`."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.commands.options import home_option
from pipeline.home.home import Home


@click.group()
def data() -> None:
    """Datasets on disk."""


@data.command()
@click.option("--dataset", default="mnist", show_default=True, help="TFDS name.")
@click.option(
    "--source", default="auto", show_default=True, help="auto, upstream, mirror, or a directory with the original archives."
)
@home_option
def fetch(dataset: str, source: str, home: Path) -> None:
    """Bring a dataset to disk, checksums verified."""
    from pipeline.runner.run import prepare_data

    prepared = prepare_data(dataset, Home.at(home), source)
    counts = ", ".join(f"{count:,} {split}" for split, count in prepared.splits.items())
    click.echo(f"{prepared.dataset} {prepared.version} ({counts}) from {prepared.door}, verified: {prepared.directory}")
