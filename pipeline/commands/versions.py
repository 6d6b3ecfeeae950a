"""`forger versions`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from pipeline.commands.base import command
from pipeline.commands.options import dataset_option, home_option, json_option
from pipeline.home.home import Home


@command()
@dataset_option
@home_option
@json_option
def versions(as_json: bool, dataset: str, home: Path) -> None:
    """List the pushed versions, their gate figures, and which are served under which label."""
    from pipeline.home.versions import collect_versions
    from pipeline.terminal.console import make_console
    from pipeline.terminal.versions import show_versions

    base = Home.at(home).model_base(dataset)
    known = collect_versions(base)
    if as_json:
        click.echo(json.dumps(known, indent=1))
    else:
        show_versions(known, base, make_console())
