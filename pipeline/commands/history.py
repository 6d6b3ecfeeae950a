"""`forger history`."""

from __future__ import annotations

import json
from pathlib import Path

import click
import cloup

from pipeline.commands.base import command
from pipeline.commands.options import home_option, json_option
from pipeline.home.home import Home


@command()
@cloup.option("--last", default=20, show_default=True, type=click.IntRange(1), metavar="N", help="How many runs.")
@home_option
@json_option
def history(last: int, as_json: bool, home: Path) -> None:
    """List runs, newest first: verdict, key figures, what was pushed."""
    from pipeline.home.history import read_history
    from pipeline.terminal.console import make_console
    from pipeline.terminal.history import show_history

    runs = read_history(Home.at(home))[:last]
    if as_json:
        click.echo(json.dumps([run.model_dump(mode="json") for run in runs], indent=1))
    elif runs:
        show_history(runs, make_console())
    else:
        click.echo(f"no run yet in {Home.at(home).path}: start one with `forger run`")
