"""What `forger run` does: data, lock, nodes, report."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Iterator

from rich.markup import escape

from components.ingest.prepare import prepare
from components.ingest.record import PreparedDataset
from components.ingest.settings import DataSettings
from components.ingest.summary import describe
from pipeline.config import resolve_config
from pipeline.engines.base import Engine
from pipeline.home.home import Home
from pipeline.home.memory import check_memory, naming_exhausted_memory
from pipeline.home.run_record import RunRecord, load_all, load_last
from pipeline.home.space import naming_full_disk
from pipeline.home.temporary import temporary_files
from pipeline.runner.last_words import last_words
from pipeline.terminal.console import capture_logs, make_console
from pipeline.terminal.run import RunView, show_end
from serving.repository.errors import first_line

_LOGGER = logging.getLogger(__name__)


def run_pipeline(profile: str, changes: list[str], home: Home, source: str, engine: Engine, *, debug: bool) -> RunRecord:
    """Run the pipeline in a home and show it on the terminal.

    Args:
        profile: Name of the profile.
        changes: "SECTION.KEY=VALUE" each.
        home: The home directory.
        source: Where data come from if they must be fetched.
        engine: Where the Beam steps run.
        debug: Leave the libraries' messages on the terminal.

    Raises:
        UserError: Whatever the user can mend.
    """
    config = resolve_config(profile, changes)
    console = make_console()
    if warning := check_memory():
        console.print(warning)
    home.open()
    began = time.monotonic()
    with home.alone(), _naming_what_ran_out(home, "run again, finished steps are kept"), temporary_files(home):
        before = load_last(home.runs)
        view = RunView(console)
        log_file = home.logs / f"{time.strftime('%Y%m%d-%H%M%S')}.log"
        with last_words(log_file) as words, capture_logs(log_file, view, debug=debug):
            prepared = prepare(config.data, home.data, source)
            console.print(escape(f"data: {describe(prepared, config.data)}"))
            where = "" if engine.runner == "local" else f"Beam on {engine.runner}, "
            console.print(f"profile [bold]{profile}[/], {where}home {escape(str(home.path))}, log {escape(str(log_file))}")
            # TFX takes seconds to import: only now is it certain to be needed.
            from pipeline.engines.probe import ready
            from pipeline.runner.local import run_nodes

            try:
                with ready(engine, home.path):
                    record = run_nodes(config, profile, prepared, home, (view, words), engine)
            except Exception:
                _LOGGER.exception("the run failed")
                failed = load_last(home.runs)
                if failed is not None and failed != before:  # else it failed before it had a record
                    console.print(_leave_report(home, failed))
                raise
            report = _leave_report(home, record)
    as_before = any(past.pushed_path == record.pushed_path for past in load_all(home.runs) if past.run_id < record.run_id)
    show_end(record, console, time.monotonic() - began, as_before=as_before)
    console.print(report)
    return record


def prepare_data(data: DataSettings, home: Home, source: str) -> PreparedDataset:
    """Bring a dataset into a home, showing where it came from."""
    home.open()
    with home.alone(), _naming_what_ran_out(home, "try again"), temporary_files(home):
        console = make_console(stderr=True)
        with capture_logs(home.logs / "data.log", RunView(console), debug=False):
            return prepare(data, home.data, source)


@contextlib.contextmanager
def _naming_what_ran_out(home: Home, mend: str) -> Iterator[None]:
    with naming_full_disk(home.path, mend), naming_exhausted_memory(mend):
        yield


def _leave_report(home: Home, record: RunRecord) -> str:
    """Write the run's report; returns the line that names it. A report that fails must not undo what the run has done."""
    from pipeline.report.write import write_report

    try:
        return f"report: {escape(str(write_report(home, record)))}"
    except Exception as error:
        _LOGGER.exception("the report failed")
        first = first_line(error)
        return f"report: could not be written ({escape(first)}); `forger report` tries again"
