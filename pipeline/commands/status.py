"""`forger status`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from pipeline.commands.base import command
from pipeline.commands.options import home_option, json_option
from pipeline.home.home import Home


@command()
@home_option
@json_option
def status(as_json: bool, home: Path) -> None:
    """Show the last run, the gate's figures against its thresholds, and what is pushed."""
    from pipeline.home.status import collect_status
    from pipeline.terminal.console import make_console
    from pipeline.terminal.status import show_status

    known = collect_status(Home.at(home))
    if as_json:
        click.echo(json.dumps(known, indent=1))
    else:
        show_status(known, make_console())
