"""`forger rollback`."""

from __future__ import annotations

from pathlib import Path

import click
import cloup

from pipeline.commands.base import command, say
from pipeline.commands.completion import complete_versions
from pipeline.commands.options import dataset_option, home_option, json_option
from pipeline.home.home import Home


@command()
@cloup.option(
    "--to",
    type=click.IntRange(1),
    metavar="VERSION",
    shell_complete=complete_versions,
    help="The version to serve; without it, the one before.",
)
@dataset_option
@home_option
@json_option
def rollback(to: int | None, dataset: str, home: Path, as_json: bool) -> None:
    """Serve an older version again, or withdraw the canary.

    It holds until the next version is pushed.
    """
    from pipeline.home.versions import served_facts
    from pipeline.terminal.versions import served_line
    from serving.repository.labels import roll_back

    place = Home.at(home)
    place.settle()  # models.config names where the versions are
    base = place.model_base(dataset)
    now = roll_back(base, to)
    say(served_line(now, base), served_facts(now, base), as_json=as_json)
