"""Which Python `make` takes: the real Makefile, with programs that say of themselves what Pythons say."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def checkout(tmp_path):
    root = tmp_path / "check out"
    (root / "tools").mkdir(parents=True)
    shutil.copy(ROOT / "Makefile", root)
    return root


def python(path, says):
    """A program that says a version, and what it is called with."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'#!/bin/sh\nif [ "$1" = --version ]; then echo "{says}"; else echo "started: $0 $*"; fi\n')
    path.chmod(0o755)
    return path


def make(checkout, *arguments, path="/usr/bin:/bin"):
    return subprocess.run(
        [shutil.which("make"), "setup", *arguments], cwd=checkout, env={"PATH": path}, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("says", "shown"),
    [("Python 3.6.15", ""), ("Python 3.12.1", ""), ("Python 3.111", ""), ("cat 9.1\nLicense", "cat 9.1")],
)
def test_another_python_ends_in_one_line_that_says_what_is_wanted(checkout, says, shown):
    other = python(checkout / "other python", says)
    done = make(checkout, f"PYTHON={other}")
    assert done.returncode == 2
    assert done.stdout == ""
    line, by_make = done.stderr.splitlines()
    assert line.startswith("setup: Python 3.11 is needed")
    assert line.endswith(f"({other} says: {shown or says})")
    assert by_make.startswith("make: ***")


def test_a_python_that_is_not_there_is_named(checkout):
    done = make(checkout, "PYTHON=python3.5")
    assert "setup: Python 3.11 is needed" in done.stderr
    assert "python3.5: not found" in done.stderr


def test_python_3_11_is_found_where_the_path_has_spaces(checkout):
    found = python(checkout / ".venv" / "bin" / "python3.11", "Python 3.11.9")
    python(checkout / ".venv" / "bin" / "python3", "Python 3.12.0")
    done = make(checkout, path=f"{found.parent}:/usr/bin:/bin")
    assert done.stdout == f"started: {found} tools/bootstrap.py dev\n", done.stderr
    assert make(checkout, f"PYTHON={found}", "EXTRAS=dev,gpu").stdout.endswith(" tools/bootstrap.py dev,gpu\n")
