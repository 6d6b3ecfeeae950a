"""Locks between processes."""

from __future__ import annotations

import subprocess
import sys

import pytest

from serving.repository.errors import UserError
from serving.repository.locks import is_locked, locked, only_writer

_HOLD = (
    "import sys; from pathlib import Path; from serving.repository.locks import locked\n"
    "with locked(Path(sys.argv[1])):\n"
    "    print('held', flush=True); sys.stdin.read()\n"
)


def test_another_process_is_refused_in_one_line_until_the_holder_is_gone(tmp_path):
    file = tmp_path / ".lock"
    assert not is_locked(file)
    holder = subprocess.Popen([sys.executable, "-c", _HOLD, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert holder.stdout.readline() == b"held\n"
        assert is_locked(file)
        with pytest.raises(UserError, match="taken: wait"), locked(file, "taken: wait"):
            pass
    finally:
        holder.kill()  # the operating system takes a killed process's lock back
        holder.communicate()
    assert not is_locked(file)
    with locked(file, "taken: wait"):
        assert is_locked(file)


def test_without_a_line_the_holder_is_waited_for(tmp_path):
    file = tmp_path / ".lock"
    with locked(file):
        waiting = subprocess.Popen([sys.executable, "-c", _HOLD, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        with pytest.raises(subprocess.TimeoutExpired):
            waiting.wait(1.0)
    assert waiting.stdout.readline() == b"held\n"
    waiting.communicate()
    assert waiting.returncode == 0


def test_who_only_looks_refuses_nobody(tmp_path):
    file = tmp_path / ".lock"
    look = (
        "import sys; from pathlib import Path; from serving.repository.locks import is_locked\n"
        "print('looking', flush=True)\n"
        "while True:\n"
        "    is_locked(Path(sys.argv[1]))\n"
    )
    file.touch()
    with subprocess.Popen([sys.executable, "-c", look, str(file)], stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"looking\n"
        try:
            for _ in range(3000):
                with locked(file, "taken: wait"):
                    pass
        finally:
            process.kill()


def test_one_push_at_a_time(tmp_path):
    with only_writer(tmp_path), pytest.raises(UserError, match="another push or rollback"), only_writer(tmp_path):
        pass
