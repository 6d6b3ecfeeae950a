"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.home import DEFAULT_HOME

home_option = click.option(
    "--home",
    type=click.Path(path_type=Path, file_okay=False),
    default=DEFAULT_HOME,
    show_default=True,
    help="Where all state lies.",
)
dataset_option = click.option("--dataset", default="mnist", show_default=True, help="TFDS name of the generator's dataset.")
