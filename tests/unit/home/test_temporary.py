"""A run's temporary files lie in its home and go with it: those of the libraries themselves, in a process of its own."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from pipeline.home.health import examine
from pipeline.home.home import Home
from pipeline.home.temporary import temporary_files

ROOT = Path(__file__).resolve().parents[3]
# TensorFlow writes the code that it makes of a function's, TFDS a directory for a dataset that it has read; both look for
# TMPDIR, and so does a child.
_WORK = """
import os, subprocess, sys, time
from pathlib import Path
from pipeline.environment import prepare_tensorflow
prepare_tensorflow(quiet=True)
from pipeline.home.home import Home
from pipeline.home.temporary import temporary_files
import tensorflow as tf

@tf.function
def count(n):
    while n < 5:
        n += 1
    return n

home = Home.at(Path(sys.argv[1]))
home.open()
with home.alone(), temporary_files(home):
    count(tf.constant(1))
    subprocess.run(["mktemp"], check=True, capture_output=True)
    print(len(list(home.temporary.iterdir())), flush=True)
    if sys.argv[2:]:
        time.sleep(60)
"""


def work(home, elsewhere, *more):
    script = elsewhere.with_name("work.py")  # a file: TensorFlow reads a function's source
    script.write_text(_WORK)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(elsewhere)}
    return subprocess.Popen([sys.executable, script, home, *more], env=environment, stdout=subprocess.PIPE, text=True)


def test_what_the_libraries_leave_is_in_the_home_and_goes_also_after_a_kill(tmp_path):
    home, elsewhere = Home.at(tmp_path / "home"), tmp_path / "elsewhere"
    elsewhere.mkdir()
    with work(home.path, elsewhere, "wait") as killed:
        assert int(killed.stdout.readline()) >= 2
        killed.send_signal(signal.SIGKILL)
    time.sleep(0.1)
    assert len(list(home.temporary.iterdir())) >= 2
    assert [finding.harmless for finding in examine(home) if str(home.temporary) in finding.what] == [True]
    with work(home.path, elsewhere) as done:
        assert int(done.stdout.readline()) == 2
    assert done.returncode == 0
    assert not home.temporary.exists()
    assert list(elsewhere.iterdir()) == []
    assert examine(home) == []


@pytest.mark.parametrize("variable", [None, "/var/tmp"])
def test_afterwards_all_is_as_it_was(tmp_path, monkeypatch, variable):
    monkeypatch.delenv("TMPDIR", raising=False)
    if variable:
        monkeypatch.setenv("TMPDIR", variable)
    home = Home.at(tmp_path)
    home.open()
    before = tempfile.gettempdir()
    with temporary_files(home), tempfile.NamedTemporaryFile(delete=False) as file:
        assert Path(file.name).parent == home.temporary
        assert os.environ["TMPDIR"] == str(home.temporary)
    assert os.environ.get("TMPDIR") == variable
    assert tempfile.gettempdir() == before
    assert not Path(file.name).exists()


def test_a_user_without_a_home_directory_sees_no_traceback_at_the_end(tmp_path):
    """A container's random user: matplotlib, which Keras imports, finds no place but TMPDIR."""
    home = Home.at(tmp_path / "home")
    home.open()
    script = tmp_path / "work.py"
    script.write_text(
        "import sys\nfrom pathlib import Path\nfrom pipeline.home.home import Home\n"
        "from pipeline.home.temporary import temporary_files\n"
        "with temporary_files(Home.at(Path(sys.argv[1]))):\n    import matplotlib.pyplot\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HOME": "/proc/self"}
    environment.pop("MPLCONFIGDIR", None)
    done = subprocess.run([sys.executable, script, home.path], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_where_no_other_place_can_be_written_the_homes_cache_is_used(tmp_path, monkeypatch):
    """As with `docker run --read-only`: the first call would end in "No usable temporary directory"."""
    from tests.support.command import forger

    def nowhere():
        raise FileNotFoundError

    monkeypatch.setattr("tempfile.gettempdir", nowhere)
    monkeypatch.setenv("HOME", "/proc/self")
    for name in ("TMPDIR", "MPLCONFIGDIR"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    assert forger("status", "--home", tmp_path / "new").exit_code == 0
    assert not (tmp_path / "new").exists()
    assert forger("status", "--home", tmp_path).exit_code == 0
    assert {os.environ[name] for name in ("TMPDIR", "MPLCONFIGDIR")} == {str(tmp_path / "cache")}
    assert (tmp_path / "cache").is_dir()
