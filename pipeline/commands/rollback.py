"""`forger rollback`."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.commands.options import dataset_option, home_option
from pipeline.home.home import Home


@click.command()
@click.option("--to", type=click.IntRange(1), metavar="VERSION", help="The version to serve; without it, the one before.")
@dataset_option
@home_option
def rollback(to: int | None, dataset: str, home: Path) -> None:
    """Serve an older version again, or withdraw the canary. It holds until the next version is pushed."""
    from pipeline.home.versions import say
    from serving.repository.labels import roll_back

    base = Home.at(home).model_base(dataset)
    click.echo(say(roll_back(base, to), base))
