"""Write a run's report."""

from __future__ import annotations

from pathlib import Path

from pipeline.home.home import Home
from pipeline.home.run_record import RunRecord
from pipeline.report.facts import gather
from pipeline.report.page import render
from serving.repository.durable import replace_file

REPORT_FILE = "report.html"


def write_report(home: Home, record: RunRecord, out: Path | None = None) -> Path:
    """Write the report of a run, replacing an earlier one.

    Args:
        home: The home that the run is in.
        record: The run.
        out: The file; None for the run's own directory in the home.

    Returns:
        The file.

    Raises:
        UserError: MLMD's file can't be read.
    """
    target = out or home.reports / record.run_id / REPORT_FILE
    page = render(gather(home, record))
    target.parent.mkdir(parents=True, exist_ok=True)
    replace_file(target, page)
    return target
