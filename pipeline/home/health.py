"""What is wrong with a home, and what can be mended without losing anything."""

from __future__ import annotations

import datetime
import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pipeline.home.home import Home
from pipeline.home.lineage import read_runs
from pipeline.home.run_record import RunRecord
from pipeline.home.store import set_aside, store_problem
from pipeline.home.versions import collect_versions
from serving.repository.contract import MODELS_CONFIG_FILE
from serving.repository.durable import PARTIAL_GLOB
from serving.repository.errors import UserError, first_line


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        what: What is wrong, and with which file.
        remedy: What mends it.
        mend: Does that, and loses nothing; None where it is the user's to do, or the next run's.
        harmless: Whether the home works as it is: what is missing is made again.
    """

    what: str
    remedy: str
    mend: Callable[[], object] | None = None
    harmless: bool = False


def examine(home: Home) -> list[Finding]:
    """Look for everything that is wrong with a home; changes nothing.

    Raises:
        UserError: There is no home, or another version made it.
    """
    if not (home.path / "home.json").is_file():
        raise UserError(f"there is no home in {home.path}: `forger run` makes one, or name another with --home")
    return [*_place(home), *_records(home), *_datasets(home), *_metadata(home), *_serving(home), *_partial_files(home)]


def _place(home: Home) -> Iterator[Finding]:
    if home.origin() != home.path:
        yield Finding(f"the home was moved or copied here from {home.origin()}", "its absolute paths are rewritten", _by_settling)


def _records(home: Home) -> Iterator[Finding]:
    now = datetime.datetime.now(datetime.UTC).strftime("%Y%m%d-%H%M%S")
    for path in sorted(home.runs.glob("*.json")):
        try:
            record = RunRecord.load(path)
        except (OSError, ValueError):
            yield Finding(f"{path} is not the record of a run", "it is set aside", _aside(path))
            continue
        if record.run_id > now:
            yield Finding(
                f"run {record.run_id} is dated in the future", "later runs are numbered after it: set the clock", harmless=True
            )


def _datasets(home: Home) -> Iterator[Finding]:
    for path in sorted(home.data.glob("*.json")):
        try:
            whole = isinstance(json.loads(path.read_bytes()), dict)
        except (OSError, ValueError):
            whole = False
        if not whole:
            remedy = "it is set aside, the next run prepares the dataset from the kept archives"
            yield Finding(f"{path} is not the record of a dataset", remedy, _aside(path))


def _metadata(home: Home) -> Iterator[Finding]:
    if problem := store_problem(home.metadata):
        remedy = "it is set aside, the next run does everything again"
        yield Finding(f"the metadata {home.metadata} can't be read ({problem})", remedy, _aside(home.metadata))
        return
    again = "the next run does everything again, beside what earlier runs have left"
    if not (home.metadata.is_file() and home.metadata.stat().st_size):
        if any(home.pipeline_root.glob("*/*/*")):
            yield Finding(f"the metadata {home.metadata} is gone", again, harmless=True)
        return
    gone = {
        f"{node.id} {artifact.uri}"
        for run in read_runs(home)[:1]
        for node in run.nodes
        if node.outcome in ("ran", "cached")
        for artifact in node.outputs
        if not Path(artifact.uri).exists()
    }
    for name in sorted(gone):
        yield Finding(f"an artifact of the last run is gone: {name}", "the next run makes it again if it needs it", harmless=True)


def _serving(home: Home) -> Iterator[Finding]:
    for base in sorted(path for path in home.serving.glob("*") if path.is_dir()):
        try:
            versions = collect_versions(base)
        except UserError as error:
            yield Finding(f"{home.serving / MODELS_CONFIG_FILE}: {error}", "it is yours to mend")
            return
        for version in versions:
            if version["problem"]:
                served = (
                    "`forger run` with its settings pushes it anew, or `forger rollback`"
                    if version["served"]
                    else "delete it, or copy it back from elsewhere"
                )
                yield Finding(f"version {version['version']} in {base} is damaged: {version['problem']}", served)


def _partial_files(home: Home) -> Iterator[Finding]:
    # Not in `serving`: a rollback may be writing there, and clears its own.
    for directory in (home.path, home.runs, home.data):
        for path in sorted(directory.glob(PARTIAL_GLOB)):
            yield Finding(f"{path} was left by a killed run", "it is deleted", _deletion(path), harmless=True)
    if home.temporary.is_dir() and not home.busy():
        left = f"{home.temporary} was left by a killed run"
        yield Finding(left, "the next run deletes it", lambda: shutil.rmtree(home.temporary), harmless=True)


def mend_all(home: Home, findings: list[Finding]) -> list[tuple[Finding, bool]]:
    """Mend what can be mended safely.

    Returns:
        Each finding, and whether it was mended.

    Raises:
        UserError: A run holds the home, or it can't be written.
    """
    try:
        with home.alone():
            for finding in findings:
                if finding.mend is not None:
                    finding.mend()
        home.settle()  # takes the lock itself; last, because it stops at what is damaged
        return [(finding, finding.mend is not None) for finding in findings]
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else first_line(error)
        raise UserError(f"can't mend {home.path} ({reason}: {error.filename}): run as its owner") from error


def _by_settling() -> None:
    """Nothing to do here: `mend_all` ends with it."""


def _aside(path: Path) -> Callable[[], object]:
    return lambda: set_aside(path)


def _deletion(path: Path) -> Callable[[], object]:
    return lambda: path.unlink(missing_ok=True)
