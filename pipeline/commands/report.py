"""`forger report`."""

from __future__ import annotations

from pathlib import Path

import click
import cloup

from pipeline.commands.base import command, say
from pipeline.commands.completion import complete_runs
from pipeline.commands.options import home_option, json_option
from pipeline.home.home import Home


@command()
@cloup.argument(
    "run",
    default="",
    metavar="[RUN]",
    shell_complete=complete_runs,
    help="The beginning of the run's id; the newest if not given.",
)
@cloup.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="The file; else report.html in the run's directory.",
)
@cloup.option("--open", "open_it", is_flag=True, help="Show it in the browser.")
@home_option
@json_option
def report(run: str, out: Path | None, open_it: bool, home: Path, as_json: bool) -> None:
    """Write the report of a run as one HTML file."""
    from pipeline.report.facts import find_record
    from pipeline.report.write import write_report

    place = Home.at(home)
    record = find_record(place, run)
    written = write_report(place, record, out)
    say(f"report: {written}", {"run_id": record.run_id, "report": str(written)}, as_json=as_json)
    if open_it:
        click.launch(written.absolute().as_uri())
