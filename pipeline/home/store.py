"""MLMD's file: whether it can be read, and how to go on without it."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from pathlib import Path

from ml_metadata.metadata_store.metadata_store import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as mlmd

from components.progress import log_note
from pipeline.home.home import Home
from serving.repository.errors import UserError

_JOURNAL = "-journal"  # SQLite's, beside the file that it belongs to


def undo_half_written(metadata: Path) -> None:
    """Let SQLite undo a transaction that a killed process was in; it does so only where it may write. Else changes nothing."""
    if not metadata.with_name(f"{metadata.name}{_JOURNAL}").is_file():
        return
    with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(f"{metadata.as_uri()}?mode=rw", uri=True)) as one:
        one.execute("SELECT count(*) FROM sqlite_master").fetchone()


def store_problem(metadata: Path) -> str:
    """Say what is wrong with MLMD's file; "" for a whole, a missing or an empty one."""
    if not metadata.is_file() or not metadata.stat().st_size:
        return ""
    undo_half_written(metadata)
    try:
        with contextlib.closing(sqlite3.connect(f"{metadata.as_uri()}?mode=ro", uri=True)) as connection:
            (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            if found != "ok":
                return str(found).splitlines()[-1]
            connection.execute("SELECT schema_version FROM MLMDEnv").fetchone()
    except sqlite3.Error as error:
        return str(error)
    return ""


def prepare_store(home: Home) -> None:
    """Make MLMD's file ready for a run. Where it is gone but artifacts are not, new ones are numbered after those.

    Raises:
        UserError: The file is damaged.
    """
    if problem := store_problem(home.metadata):
        raise UserError(f"the metadata {home.metadata} can't be read ({problem}): restore it, or set it aside with "
                        "`forger doctor --mend`, which makes the next run do everything again")  # fmt: skip
    if home.metadata.is_file() and home.metadata.stat().st_size:
        return
    numbers = [int(path.name) for path in home.pipeline_root.glob("*/*/*") if path.name.isdecimal()]
    numbers += [int(path.name) for path in home.pipeline_root.glob("*/.system/*/*") if path.name.isdecimal()]
    if not numbers:
        return
    log_note(f"{home.metadata} is gone: everything runs again, beside what earlier runs have left")
    config = mlmd.ConnectionConfig()
    config.sqlite.filename_uri = str(home.metadata)
    config.sqlite.connection_mode = mlmd.SqliteMetadataSourceConfig.READWRITE_OPENCREATE
    store = MetadataStore(config)  # makes the tables
    del store
    with contextlib.closing(sqlite3.connect(home.metadata)) as connection, connection:
        connection.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('Execution', ?)", (max(numbers),))


def set_aside(path: Path) -> Path:
    """Give a damaged file another name beside it, so that nothing is lost; with it goes what SQLite needs to mend it."""
    aside = path.with_name(f"{path.name}.damaged-{time.strftime('%Y%m%d-%H%M%S')}")
    journal = path.with_name(f"{path.name}{_JOURNAL}")
    if journal.is_file():
        journal.rename(aside.with_name(f"{aside.name}{_JOURNAL}"))
    return path.rename(aside)
