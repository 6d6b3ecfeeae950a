"""`forger promote`."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.commands.options import dataset_option, home_option
from pipeline.home.home import Home


@click.command()
@dataset_option
@home_option
def promote(dataset: str, home: Path) -> None:
    """Make the canary the stable version."""
    from pipeline.home.versions import say
    from serving.repository.labels import promote as promote_canary

    base = Home.at(home).model_base(dataset)
    click.echo(say(promote_canary(base), base))
