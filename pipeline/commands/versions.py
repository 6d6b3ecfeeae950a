"""`forger versions`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from pipeline.commands.options import dataset_option, home_option
from pipeline.home.home import Home


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@dataset_option
@home_option
def versions(as_json: bool, dataset: str, home: Path) -> None:
    """List the pushed versions, their gate figures, and which are served under which label."""
    from pipeline.home.versions import collect, show
    from pipeline.terminal.console import make_console

    base = Home.at(home).model_base(dataset)
    if as_json:
        click.echo(json.dumps(collect(base), indent=1))
    else:
        show(base, make_console())
