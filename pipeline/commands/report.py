"""`forger report`."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.commands.options import home_option
from pipeline.home.home import Home


@click.command()
@click.argument("run", default="", metavar="[RUN]")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="The file; else report.html in the run's directory.")
@click.option("--open", "open_it", is_flag=True, help="Show it in the browser.")
@home_option
def report(run: str, out: Path | None, open_it: bool, home: Path) -> None:
    """Write the report of a run as one HTML file: RUN is the beginning of its id, the newest if not given."""
    from pipeline.report.facts import find_record
    from pipeline.report.write import write_report

    place = Home.at(home)
    written = write_report(place, find_record(place, run), out)
    click.echo(f"report: {written}")
    if open_it:
        click.launch(written.absolute().as_uri())
