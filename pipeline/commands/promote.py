"""`forger promote`."""

from __future__ import annotations

from pathlib import Path

from pipeline.commands.base import command, say
from pipeline.commands.options import dataset_option, home_option, json_option
from pipeline.home.home import Home


@command()
@dataset_option
@home_option
@json_option
def promote(dataset: str, home: Path, as_json: bool) -> None:
    """Make the canary the stable version."""
    from pipeline.home.versions import served_facts
    from pipeline.terminal.versions import served_line
    from serving.repository import labels

    place = Home.at(home)
    place.settle()  # models.config names where the versions are
    base = place.model_base(dataset)
    now = labels.promote(base)
    say(served_line(now, base), served_facts(now, base), as_json=as_json)
