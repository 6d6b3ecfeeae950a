"""A tiny real TFDS dataset behind a local HTTP server, so that every origin can be tried in a second."""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import tensorflow_datasets as tfds

ARCHIVE = "images.gz"
COUNT = 6
# Examples of each split: the images over and over, so that the records are larger than the archive.
TRAIN, TEST = 12, 6


class TinyDigits(tfds.core.GeneratorBasedBuilder):
    """Three classes; the archive holds COUNT images of 784 bytes."""

    VERSION = tfds.core.Version("1.0.0")
    url = ""

    def _info(self):
        features = {"image": tfds.features.Image(shape=(28, 28, 1)), "label": tfds.features.ClassLabel(names=["a", "b", "c"])}
        return self.dataset_info_from_configs(features=tfds.features.FeaturesDict(features))

    def _split_generators(self, dl_manager):
        path = dl_manager.download_and_extract(self.url)
        return {"train": self._generate_examples(path, TRAIN), "test": self._generate_examples(path, TEST)}

    def _generate_examples(self, path, count):
        images = np.frombuffer(path.read_bytes(), np.uint8).reshape(-1, 28, 28, 1)
        for index in range(count):
            yield index, {"image": images[index % COUNT], "label": index % 3}


def url_info(url: str, content: bytes) -> dict:
    """What TFDS registers of an archive."""
    size = tfds.core.utils.Size(len(content))
    return {url: tfds.core.download.checksums.UrlInfo(size, hashlib.sha256(content).hexdigest(), ARCHIVE)}


@dataclasses.dataclass
class Upstream:
    """The served folder; `requests` counts the files asked for."""

    folder: Path
    url: str
    requests: list[str]

    @property
    def archive(self) -> Path:
        return self.folder / ARCHIVE


class _Handler(SimpleHTTPRequestHandler):
    def __init__(self, *args, seen: list[str], **kwargs):
        self.seen = seen
        super().__init__(*args, **kwargs)

    def do_GET(self):
        self.seen.append(self.path)
        super().do_GET()

    def log_message(self, *args):
        """Nothing to stderr."""


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Upstream]:
    """The dataset `tiny_digits`, with its upstream host running and its checksum registered."""
    folder = tmp_path / "upstream"
    folder.mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, COUNT * 784, dtype=np.uint8).tobytes()
    content = gzip.compress(pixels, mtime=0)
    (folder / ARCHIVE).write_bytes(content)
    seen: list[str] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, directory=str(folder), seen=seen))
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}/{ARCHIVE}"
    monkeypatch.setattr(TinyDigits, "url", url)
    monkeypatch.setattr(TinyDigits, "url_infos", url_info(url, content))
    yield Upstream(folder, url, seen)
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def notes(caplog: pytest.LogCaptureFixture):
    """The one-line messages that the user saw so far."""
    caplog.set_level("INFO", logger="forger.progress")
    return lambda: [entry.getMessage() for entry in caplog.records if entry.name == "forger.progress"]
