"""A run that ends suddenly is told in one line, by what is left when it is gone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.home.memory import NEEDS

ROOT = Path(__file__).resolve().parents[3]
# A process that names two nodes, and then does what it is told.
RUN = """
import os, signal, sys
from pathlib import Path
from pipeline.runner.last_words import last_words
with last_words(Path("a b/run.log"), Path(sys.argv[1])) as words:
    for node in sys.argv[2].split():
        words.started(node, 1, 2)
    exec(sys.argv[3])
"""


def run(vmstat, act, nodes="Transform Gate", **options):
    command = [sys.executable, "-c", RUN, vmstat, nodes, act]
    # Its end is the end of standard error: the shell has that as well.
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, timeout=60, **options)


@pytest.fixture
def vmstat(tmp_path):
    path = tmp_path / "vmstat"
    path.write_text("nr_free_pages 12\noom_kill 3\n")
    return path


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV, signal.SIGABRT])
def test_a_run_that_is_killed_or_crashes_names_the_node_and_the_log(vmstat, sent):
    done = run(vmstat, f"os.kill(os.getpid(), {int(sent)})")
    assert done.returncode == -sent
    assert done.stderr == (
        "forger: Gate: the run was killed or crashed (a b/run.log may tell more); the same command goes on where it was\n"
    )


def test_a_kill_for_want_of_memory_says_what_a_run_needs(vmstat):
    done = run(vmstat, "Path(sys.argv[1]).write_text('oom_kill 4\\n'); os.kill(os.getpid(), 9)")
    assert done.stderr == (
        f"forger: Gate: Linux ended the run for want of memory: {NEEDS}; the same command goes on where it was\n"
    )


def test_before_the_first_node_there_is_none_to_name(vmstat):
    assert run(vmstat, "os.kill(os.getpid(), 9)", nodes="").stderr.startswith("forger: the run was killed")


@pytest.mark.parametrize(("act", "said"), [("pass", ""), ("raise SystemExit(1)", ""), ("raise SystemExit('mine')", "mine\n")])
def test_a_run_that_ends_by_itself_has_its_own_words(vmstat, act, said):
    assert run(vmstat, act).stderr == said
    assert run(vmstat, act, env={**os.environ, "PATH": "/nowhere"}).stderr == said  # nor does it need a shell


def test_what_is_sent_to_the_whole_group_does_not_reach_the_shell(vmstat):
    done = run(vmstat, "os.killpg(0, 9)", start_new_session=True)
    assert done.stderr.startswith("forger: Gate: the run was killed")
