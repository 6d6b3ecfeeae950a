"""`forger history`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from pipeline.commands.options import home_option
from pipeline.home.home import Home


@click.command()
@click.option("--last", default=20, show_default=True, type=click.IntRange(1), help="How many runs.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@home_option
def history(last: int, as_json: bool, home: Path) -> None:
    """List runs, newest first: verdict, key figures, what was pushed."""
    from pipeline.home.history import read_history, show_history
    from pipeline.terminal.console import make_console

    runs = read_history(Home.at(home))[:last]
    if as_json:
        click.echo(json.dumps([run.model_dump(mode="json") for run in runs], indent=1))
    elif runs:
        show_history(runs, make_console())
    else:
        click.echo(f"no run yet in {Home.at(home).path}: start one with `forger run`")
