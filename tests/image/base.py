"""A base image where no registry can be reached: Debian 13 by debootstrap, with the Python that runs this."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from tools.bootstrap import _host_mirror

TAG = "localhost/forger-base:trixie"
_SUITE = "trixie"
# What a CPython links to, and what pip and uv need to reach an index.
_PACKAGES = "ca-certificates,libbz2-1.0,libffi8,liblzma5,libncursesw6,libreadline8t64,libsqlite3-0,libssl3t64,libuuid1,zlib1g"
_CERTIFICATES = "etc/ssl/certs/ca-certificates.crt"


def make_base(work: Path, codename: str) -> str:
    """Make the image and return its tag.

    Args:
        work: An empty directory.
        codename: Debian release of this host, whose package mirror is used.
    """
    root = work / "root"
    mirror, _ = _host_mirror(codename)
    run("debootstrap", "--variant=minbase", f"--include={_PACKAGES}", _SUITE, root, mirror)
    _copy_python(root / "usr/local")
    run("chroot", root, "ldconfig")
    if Path("/", _CERTIFICATES).is_file():
        shutil.copyfile(Path("/", _CERTIFICATES), root / _CERTIFICATES)
        (root / "etc/pip.conf").write_text(f"[global]\ncert = /{_CERTIFICATES}\n")  # an older pip has certificates of its own
    container = run("buildah", "from", "scratch").strip()
    run("buildah", "copy", "--quiet", container, root, "/")
    run("buildah", "config", "--env", "PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", container)
    run("buildah", "commit", "--quiet", "--rm", container, TAG)
    return TAG


def _copy_python(target: Path) -> None:
    """Copy the interpreter and its library as the official image has them; nothing that was installed beside them."""
    left_out = shutil.ignore_patterns("site-packages", "test", "__pycache__")
    source = Path(sys.base_prefix)
    for name in ("lib", "include"):
        shutil.copytree(source / name, target / name, symlinks=True, dirs_exist_ok=True, ignore=left_out)
    for program in (source / "bin").glob("python3*"):
        shutil.copy2(program, target / "bin" / program.name, follow_symlinks=False)


def run(*command: object) -> str:
    """Run a command; returns what it prints.

    Raises:
        AssertionError: It failed; with the end of what it said.
    """
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command[0]} {command[1]}: {(done.stdout + done.stderr)[-3000:]}"
    return done.stdout
