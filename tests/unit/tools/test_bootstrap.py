"""What the set-up makes of an environment that is there: real virtual environments and processes, in a checkout of their own."""

import importlib.util
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

_SOURCE = Path(__file__).resolve().parents[3] / "tools" / "bootstrap.py"
_PIP = ("-m", "pip", "--version")


def load(root):
    """The set-up script of a checkout at `root`."""
    (root / "tools").mkdir(parents=True, exist_ok=True)
    for name in ("bootstrap.py", "package_sources.py"):
        shutil.copy(_SOURCE.with_name(name), root / "tools" / name)
    spec = importlib.util.spec_from_file_location("bootstrap_under_test", root / "tools" / "bootstrap.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def checkout(tmp_path):
    """A checkout with a whole environment, made by venv itself; pip is a stand-in, so that it takes no seconds."""
    root = tmp_path / "check out"
    root.mkdir()
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", root / ".venv"], check=True, env=without_ours())
    (site,) = (root / ".venv").glob("lib/python*/site-packages")
    (site / "pip.py").write_text("")
    return root


def without_ours():
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


def replace_python(root, content):
    python = root / ".venv" / "bin" / "python"
    python.unlink()
    python.write_bytes(content)
    python.chmod(0o755)


def test_a_whole_environment_is_kept(checkout):
    module = load(checkout)
    assert module._why_unusable("-c", "") == module._why_unusable(*_PIP) == ""


def test_a_renamed_checkout_is_built_again(checkout):
    renamed = checkout.rename(checkout.with_name("renamed"))
    assert str(checkout) in load(renamed)._why_unusable(*_PIP)


def test_a_copied_checkout_is_built_again_though_the_old_one_is_there(checkout, tmp_path):
    shutil.copytree(checkout, tmp_path / "copy", symlinks=True)
    assert load(tmp_path / "copy")._why_unusable(*_PIP) == f"it was made in {checkout}"


def test_a_checkout_behind_a_link_is_the_same_one(checkout, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (other / ".venv").symlink_to(checkout / ".venv", target_is_directory=True)
    assert load(other)._why_unusable(*_PIP) == ""


def loader_is_gone(root):
    """As a bridged interpreter after a rename: a program whose loader isn't there any more."""
    program = Path("/bin/true").resolve().read_bytes()
    name = program[program.index(b"/lib") :].partition(b"\0")[0]
    replace_python(root, program.replace(name, b"/gone"[: len(name)].ljust(len(name), b"x"), 1))


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (loader_is_gone, "does not start (No such file or directory)"),
        (lambda root: replace_python(root, b"#!/no/such/python\n"), "does not start (No such file or directory)"),
        (lambda root: replace_python(root, b"\x7fELF no program"), "does not start (Exec format error)"),
        (lambda root: replace_python(root, b"#!/bin/sh\necho no encodings >&2; exit 1\n"), "does not work (no encodings)"),
        (lambda root: replace_python(root, b"#!/bin/sh\nkill -11 $$\n"), "does not work (status -11)"),
        (lambda root: (root / ".venv" / "bin" / "python").unlink(), "does not start (No such file or directory)"),
        (lambda root: (root / ".venv" / "pyvenv.cfg").unlink(), "it is not whole"),
        (lambda root: shutil.rmtree(root / ".venv"), "it is not whole"),
    ],
)
def test_whatever_stops_its_python_means_that_it_is_built_again(checkout, damage, said):
    damage(checkout)
    module = load(checkout)
    assert said in module._why_unusable(*_PIP)
    # A stamp that says it is whole changes nothing.
    for name in ("requirements.lock", "setup.py"):
        (checkout / name).write_text("")
    if (checkout / ".venv").is_dir():
        module.STAMP.write_text(module._fingerprint(["dev"]))
        assert not module._is_whole(["dev"])


def test_the_set_up_says_so_in_one_line_and_makes_a_new_environment(checkout):
    """The script itself, up to the first package: the lock is empty, so no index is asked."""
    loader_is_gone(checkout)
    load(checkout)
    for name in ("requirements.lock", "setup.py"):
        (checkout / name).write_text("")
    (checkout / ".venv" / "leftover").touch()
    done = subprocess.run(
        [sys.executable, checkout / "tools" / "bootstrap.py"],
        env=without_ours() | {"PIP_NO_INDEX": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "setup: .venv can't be used, its Python does not start (No such file or directory): building it again\n" in done.stdout
    assert "Traceback" not in done.stderr
    python = checkout / ".venv" / "bin" / "python"
    assert python.stat().st_mode & stat.S_IXUSR
    assert subprocess.run([python, "-c", "import pip"], check=False).returncode == 0
    assert not (checkout / ".venv" / "leftover").exists()


def test_the_python_of_an_activated_environment_builds_it_again(checkout):
    """`. .venv/bin/activate && make`: its own Python would be deleted while it works."""
    load(checkout)
    for name in ("requirements.lock", "setup.py"):
        (checkout / name).write_text("")
    (site,) = (checkout / ".venv").glob("lib/python*/site-packages")
    (site / "pip.py").write_text("raise SystemExit('no pip')")
    done = subprocess.run(
        [checkout / ".venv" / "bin" / "python", checkout / "tools" / "bootstrap.py"],
        env=without_ours() | {"PIP_NO_INDEX": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "setup: .venv can't be used, its Python does not work (no pip): building it again\n" in done.stdout, done.stderr
    assert subprocess.run([checkout / ".venv" / "bin" / "python", "-c", "import pip"], check=False).returncode == 0


def test_a_missing_compiler_is_named_with_its_package(checkout, tmp_path, monkeypatch):
    """The message of a failed installation ends in what a compiler said, or in that there was none."""
    module = load(checkout)
    compiler = tmp_path / "bin" / "g++"
    compiler.parent.mkdir()
    compiler.symlink_to(sys.executable)
    headers = tmp_path / "Python.h"
    headers.touch()
    monkeypatch.setenv("PATH", str(compiler.parent))
    monkeypatch.setattr(module.sysconfig, "get_paths", lambda: {"include": str(tmp_path)})
    assert module._missing() == ""
    compiler.unlink()
    assert module._missing() == " (one is compiled, which needs g++: on Debian, apt-get install it)"
    headers.unlink()
    assert module._missing() == " (one is compiled, which needs g++ and python3.11-dev: on Debian, apt-get install it)"
