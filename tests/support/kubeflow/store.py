"""An object store, as KFP's launcher uses one: keys without directories, copied whole into a pod and out of it."""

from __future__ import annotations

import shutil
from pathlib import Path

SCHEMES = ("gs://", "s3://", "minio://")


class ObjectStore:
    """Objects in a directory; the launcher copies, so a step can't see another's disk."""

    def __init__(self, directory: Path) -> None:
        """Keep the objects in a directory; nothing else may know it."""
        self._directory = directory

    def upload(self, local: Path, uri: str) -> None:
        """Copy a file or all files of a directory in; what is missing is passed over, and empty directories don't exist there."""
        if local.is_file():
            self._put(local, uri)
        for file in sorted(path for path in local.rglob("*") if path.is_file()) if local.is_dir() else []:
            self._put(file, f"{uri}/{file.relative_to(local).as_posix()}")

    def download(self, uri: str, local: Path) -> None:
        """Copy the object, or all objects below the key, out."""
        source = self._path(uri)
        if source.is_file():
            local.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, local)
        elif source.is_dir():
            shutil.copytree(source, local, copy_function=shutil.copyfile, dirs_exist_ok=True)

    def delete(self, uri: str) -> None:
        """Delete all objects below a key, as a bucket's lifecycle rule does."""
        shutil.rmtree(self._path(uri))

    def read(self, uri: str) -> str:
        """Return an object's text."""
        return self._path(uri).read_text(encoding="utf-8")

    def _put(self, file: Path, uri: str) -> None:
        target = self._path(uri)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)

    def _path(self, uri: str) -> Path:
        scheme = next((scheme for scheme in SCHEMES if uri.startswith(scheme)), None)
        assert scheme, f"unsupported storage scheme: {uri}"
        return self._directory / uri.removeprefix(scheme)
