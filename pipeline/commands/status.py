"""`forger status`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from pipeline.commands.options import home_option
from pipeline.home.home import Home


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@home_option
def status(as_json: bool, home: Path) -> None:
    """Show the last run, the gate's figures against its thresholds, and what is pushed."""
    from pipeline.home.status import collect, show
    from pipeline.terminal.console import make_console

    if as_json:
        click.echo(json.dumps(collect(Home.at(home)), indent=1))
    else:
        show(Home.at(home), make_console())
