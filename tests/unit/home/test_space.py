"""A full disk is named in one line: with the errors of those that write to one, Linux's own /dev/full."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import apache_beam as beam
import numpy as np
import pytest
import tensorflow as tf

from pipeline.engines.local import LocalEngine
from pipeline.home.space import naming_full_disk
from serving.repository.errors import UserError

ROOT = Path(__file__).resolve().parents[3]
FULL = Path("/dev/full")


def plainly():
    FULL.write_bytes(bytes(1 << 20))


def by_numpy():
    with FULL.open("wb") as file:
        np.save(file, np.zeros(1 << 17))


def by_tensorflow():
    tf.io.write_file(str(FULL), b"x" * 100_000)


def by_records():
    with tf.io.TFRecordWriter(str(FULL)) as writer:
        writer.write(bytes(1 << 20))


def by_beam():
    with beam.Pipeline(argv=LocalEngine().beam_args()) as pipeline:
        _ = pipeline | beam.Create([1]) | beam.Map(lambda _: plainly())


def while_noting_a_failure():
    try:
        by_tensorflow()
    except tf.errors.OpError as error:
        error.add_note("GanTrainer")
        raise
    finally:
        plainly()


def by_sqlite():
    with sqlite3.connect(":memory:") as connection:
        connection.execute("PRAGMA max_page_count = 1")
        connection.execute("CREATE TABLE t (x)")


@pytest.mark.parametrize(
    ("work", "place"),
    [
        (plainly, "/home"),
        (by_numpy, "/home"),
        (by_tensorflow, "/dev/full"),
        (by_records, "/dev/full"),
        (by_beam, "/home"),
        (while_noting_a_failure, "/dev/full"),
        (by_sqlite, "/home"),
    ],
)
def test_the_step_and_the_place_are_named(work, place):
    with pytest.raises(UserError) as raised, naming_full_disk(Path("/home"), "run again"):
        try:
            work()
        except Exception as error:
            if work is not while_noting_a_failure:
                error.add_note("GanTrainer")
            raise
    assert str(raised.value).startswith(f"GanTrainer: no space left on the disk of {place} (")
    assert str(raised.value).endswith(" MiB are free): make room and run again")
    assert "\n" not in str(raised.value)


def test_other_errors_stay_what_they_are():
    with pytest.raises(FileNotFoundError), naming_full_disk(Path("/home"), "run again"):
        Path("/no/such/file").read_text()


def test_a_replaced_file_is_named_by_its_own_error(tmp_path):
    """A write names no file. The limit of a process makes its file system refuse one."""
    work = (
        "import resource, sys; from pathlib import Path; from serving.repository.durable import replace_file\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))\n"
        "try: replace_file(Path(sys.argv[1]), 'x' * 100_000)\n"
        "except OSError as error: print(error.filename)"
    )
    target = tmp_path / "report.html"
    done = subprocess.run([sys.executable, "-c", work, target], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout == f"{target}\n"
