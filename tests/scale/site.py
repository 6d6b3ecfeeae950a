"""An environment as a production machine has it: the locked packages, and Forger from a wheel; not the checkout."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]


def make_site(directory: Path, *, forger: bool = True) -> Path:
    """Make an environment beside this one.

    It shares this one's interpreter and third-party packages. A path file brings the latter in without the editable install of
    this checkout, whose own path file is not followed from there.

    Args:
        directory: Where; must not exist.
        forger: Whether Forger's wheel is installed.

    Returns:
        The directory.
    """
    packages = directory / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    packages.mkdir(parents=True)
    (directory / "bin").mkdir()
    shutil.copy(sys.executable, directory / "bin/python")  # with whatever C library this one is bound to
    shutil.copy(Path(sys.prefix) / "pyvenv.cfg", directory)
    (packages / "locked.pth").write_text(sysconfig.get_path("purelib") + "\n")
    if forger:
        source = _checkout(directory / "source")
        pip = [
            str(directory / "bin/python"),
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-deps",
            "--no-build-isolation",
            "--no-index",
        ]
        done = subprocess.run(
            [*pip, "--ignore-installed", str(source)],
            cwd=directory,
            env={"PATH": ""},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        shutil.rmtree(source)
    return directory


def _checkout(target: Path) -> Path:
    """Copy what git knows: no leftover of this checkout gets into the wheel, and none is left here."""
    files = subprocess.run(["git", "ls-files", "-z"], cwd=_ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    for name in filter(None, files):
        if (_ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(_ROOT / name, target / name)
    return target
