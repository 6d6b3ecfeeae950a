"""A file is replaced whole or not at all."""

from __future__ import annotations

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from serving.repository.durable import PARTIAL_GLOB, partial_path, remove_partials, replace_file, replacing


def test_an_error_in_the_middle_keeps_the_old_file(tmp_path):
    file = tmp_path / "record.json"
    replace_file(file, "old")
    with pytest.raises(RuntimeError, match="half way"), replacing(file) as stream:
        stream.write(b"half of the n")
        raise RuntimeError("half way")
    assert file.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["record.json"]


def test_a_kill_in_the_middle_keeps_the_old_file(tmp_path):
    file = tmp_path / "record.json"
    replace_file(file, "old")
    code = (
        "import sys, time; from pathlib import Path; from serving.repository.durable import replacing\n"
        "with replacing(Path(sys.argv[1])) as stream:\n"
        "    stream.write(b'half'); stream.flush(); print('half', flush=True); time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(file)], stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"half\n"
        process.kill()
    assert file.read_text() == "old"
    assert len(list(tmp_path.glob(PARTIAL_GLOB))) == 1  # what readers never take for the file
    remove_partials(tmp_path, "other.json")
    assert len(list(tmp_path.glob(PARTIAL_GLOB))) == 1
    remove_partials(tmp_path, "record.json")
    assert [path.name for path in tmp_path.iterdir()] == ["record.json"]


def test_two_writers_at_once_leave_one_whole_file(tmp_path):
    file = tmp_path / "record.json"
    contents = [str(number) * 200_000 for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda content: replace_file(file, content), contents))
    assert file.read_text() in contents
    assert [path.name for path in tmp_path.iterdir()] == ["record.json"]


def test_a_library_may_write_the_new_file_itself(tmp_path):
    file = tmp_path / "deep.bin"
    with partial_path(file) as partial:
        partial.write_bytes(b"\0\1")
        assert not file.exists()
    assert file.read_bytes() == b"\0\1"


def test_readers_never_see_half_a_file(tmp_path):
    file = tmp_path / "record.json"
    replace_file(file, "a" * 1_000_000)
    end = time.monotonic() + 1.0
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(lambda: [replace_file(file, letter * 1_000_000) for letter in "bcdefgh"])
        while not writing.done() and time.monotonic() < end:
            content = file.read_text()
            assert content == content[0] * 1_000_000
        writing.result()
