"""The origins, on a tiny real dataset: which one is taken, and what stops each."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from components.ingest import upstream
from components.ingest.prepare import prepare
from components.ingest.settings import DataSettings
from serving.repository.errors import UserError
from tests.unit.ingest.conftest import TinyDigits, url_info

DATASET = "tiny_digits"
TINY = DataSettings(dataset=DATASET)


def alter(path: Path, position: int = 100) -> None:
    """Flip one bit."""
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.write_bytes(content)


def record_files(data_dir: Path) -> list[Path]:
    return sorted(data_dir.glob(f"{DATASET}/*/*.tfrecord*"))


def test_upstream_is_fetched_once_and_described(tiny, tmp_path, notes):
    prepared = prepare(TINY, tmp_path / "data")
    assert prepared.class_names == ("a", "b", "c")
    assert prepared.splits == {"train": 12, "test": 6}
    assert (prepared.version, prepared.origin, len(prepared.digest)) == ("1.0.0", "upstream", 64)
    assert prepared.directory == tmp_path / "data" / DATASET / "1.0.0"
    assert any("upstream" in line for line in notes())
    asked = len(tiny.requests)
    assert prepare(TINY, tmp_path / "data") == prepared
    assert len(tiny.requests) == asked


def test_a_valid_record_needs_neither_tfds_nor_tensorflow(tiny, tmp_path):
    prepared = prepare(TINY, tmp_path / "data")
    code = f"""
        import sys
        from pathlib import Path
        from components.ingest.prepare import prepare
        from components.ingest.settings import DataSettings
        print(prepare(DataSettings(dataset={DATASET!r}), Path({str(tmp_path / "data")!r})).digest)
        assert not {{"tensorflow", "tensorflow_datasets", "apache_beam", "tfx"}} & set(sys.modules)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == prepared.digest


def test_wrong_upstream_bytes_give_one_line_with_file_and_checksums(tiny, tmp_path):
    good = tiny.archive.read_bytes()
    alter(tiny.archive)
    with pytest.raises(UserError, match=r"images\.gz is cut or altered: expected sha256 \w{64}, found \w{64}") as error:
        prepare(TINY, tmp_path / "data", "upstream")
    assert "\n" not in str(error.value)
    assert not record_files(tmp_path / "data")
    tiny.archive.write_bytes(good)
    assert prepare(TINY, tmp_path / "data", "upstream").splits == {"train": 12, "test": 6}


def test_cut_download_is_repaired_by_the_next_call(tiny, tmp_path):
    good = tiny.archive.read_bytes()
    tiny.archive.write_bytes(good[:-10])
    with pytest.raises(UserError, match="cut or altered"):
        prepare(TINY, tmp_path / "data", "upstream")
    tiny.archive.write_bytes(good)
    assert prepare(TINY, tmp_path / "data", "upstream").origin == "upstream"
    assert not list((tmp_path / "data").rglob("*.tmp.*"))


@pytest.mark.parametrize("damage", ["altered", "cut", "missing"])
def test_own_directory_is_checked_before_tfds_sees_it(tiny, tmp_path, damage):
    own = tmp_path / "own"
    shutil.copytree(tiny.folder, own)
    if damage == "altered":
        alter(own / "images.gz")
    elif damage == "cut":
        os.truncate(own / "images.gz", 50)
    else:
        (own / "images.gz").unlink()
    with pytest.raises(UserError, match=r"own/images\.gz .*sha256 [0-9a-f]{64}") as error:
        prepare(TINY, tmp_path / "data", str(own))
    assert "\n" not in str(error.value)
    assert not tiny.requests


def test_own_directory_gives_what_upstream_gives_and_may_then_go(tiny, tmp_path):
    own = tmp_path / "own"
    shutil.copytree(tiny.folder, own)
    prepared = prepare(TINY, tmp_path / "one", str(own))
    assert prepared.origin == str(own)
    assert not tiny.requests
    assert prepared.digest == prepare(TINY, tmp_path / "two", "upstream").digest
    shutil.rmtree(own)
    assert prepare(TINY, tmp_path / "one") == prepared


def test_own_directory_is_looked_at_even_when_the_data_is_there(tiny, tmp_path):
    prepared = prepare(TINY, tmp_path / "data")
    own = tmp_path / "own"
    shutil.copytree(tiny.folder, own)
    assert prepare(TINY, tmp_path / "data", str(own)) == prepared
    alter(own / "images.gz")
    with pytest.raises(UserError, match="cut or altered"):
        prepare(TINY, tmp_path / "data", str(own))


def test_touch_keeps_the_digest(tiny, tmp_path):
    prepared = prepare(TINY, tmp_path / "data")
    for path in record_files(tmp_path / "data"):
        os.utime(path, (0, 0))
    assert prepare(TINY, tmp_path / "data") == prepared
    assert len(tiny.requests) == 2  # probe and download


def test_altered_records_are_made_again_from_the_cache(tiny, tmp_path, notes):
    prepared = prepare(TINY, tmp_path / "data")
    asked = len(tiny.requests)
    alter(record_files(tmp_path / "data")[0])
    assert prepare(TINY, tmp_path / "data") == prepared
    assert len(tiny.requests) == asked
    assert any("preparing tiny_digits again" in line for line in notes())


def test_altered_cache_is_not_trusted(tiny, tmp_path):
    prepared = prepare(TINY, tmp_path / "data")
    (cached,) = (path.with_suffix("") for path in (tmp_path / "data" / "downloads").rglob("*.INFO"))
    alter(cached)
    record_files(tmp_path / "data")[0].unlink()
    assert prepare(TINY, tmp_path / "data") == prepared
    assert len(tiny.requests) == 4


def test_unfinished_preparation_is_made_again(tiny, tmp_path):
    data_dir = tmp_path / "data"
    prepared = prepare(TINY, data_dir)
    # Killed after TFDS renamed its directory, before the record; and killed inside TFDS.
    (data_dir / f"{DATASET}.json").unlink()
    os.truncate(record_files(data_dir)[0], 10)
    (data_dir / DATASET / "incomplete.ABCDEF_1.0.0").mkdir()
    assert prepare(TINY, data_dir) == prepared
    assert [path.name for path in (data_dir / DATASET).iterdir()] == ["1.0.0"]


def test_killed_preparation_is_made_again(tiny, tmp_path):
    """A process that the kernel kills in the middle of writing the records."""
    code = f"""
        import resource, signal
        from pathlib import Path
        from components.ingest.prepare import prepare
        from tests.unit.ingest.conftest import TinyDigits, url_info
        TinyDigits.url, TinyDigits.url_infos = {tiny.url!r}, url_info({tiny.url!r}, Path({str(tiny.archive)!r}).read_bytes())
        import tensorflow
        # The first write beyond so many bytes ends the process at once: inside the record files.
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (6000, 6000))
        from components.ingest.settings import DataSettings
        prepare(DataSettings(dataset={DATASET!r}), Path({str(tmp_path / "data")!r}))
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, check=False)
    assert done.returncode == -signal.SIGXFSZ
    assert prepare(TINY, tmp_path / "data").splits == {"train": 12, "test": 6}


def test_unreachable_host_fails_over_and_names_every_door(tiny, tmp_path, monkeypatch, notes):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/images.gz"
    monkeypatch.setattr(TinyDigits, "url_infos", url_info(url, tiny.archive.read_bytes()))
    with pytest.raises(UserError, match=r"127\.0\.0\.1:\d+ can't be reached \(ConnectionError\).*; or .* --source DIR"):
        prepare(TINY, tmp_path / "data")


def test_hanging_host_is_given_up(tmp_path):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with pytest.raises(UserError, match=r"can't be reached"):
            upstream.probe(f"http://127.0.0.1:{silent.getsockname()[1]}/images.gz", limit=0.3)


def test_refusing_host_is_named_with_its_status(tiny):
    with pytest.raises(UserError, match="HTTP status 404"):
        upstream.probe(tiny.url + ".missing")


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        ("mnits", "did you mean mnist"),
        ("zzzz", "TFDS catalogue"),
        ("mnist/3", "TFDS has no dataset 'mnist/3'"),
        ("iris", "no image feature"),
    ],
)
def test_unsuitable_dataset_is_refused_before_any_download(tmp_path, dataset, message):
    with pytest.raises(UserError, match=message) as error:
        prepare(DataSettings(dataset=dataset), tmp_path / "data")
    assert "\n" not in str(error.value)


def test_sources_that_do_not_exist(tiny, tmp_path):
    with pytest.raises(UserError, match="no mirror of tiny_digits"):
        prepare(TINY, tmp_path / "data", "mirror")
    with pytest.raises(UserError, match="is no directory: the source is auto, upstream, mirror"):
        prepare(TINY, tmp_path / "data", "upstraem")


def test_unwritable_place_is_named(tiny, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"can't write the data under .*file.* \(Not a directory"):
        prepare(TINY, tmp_path / "file" / "data")


# 2000 bytes: not even the archive; 6000: the archive, but not the records.
@pytest.mark.parametrize("limit", [2000, 6000])
def test_full_disk_is_named_and_leaves_nothing_for_whole(tiny, tmp_path, limit):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    # Python ignores SIGXFSZ, so a write beyond the limit fails as on a full disk.
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        with pytest.raises(UserError, match=r"can't write the data under") as error:
            prepare(TINY, tmp_path / "data")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "\n" not in str(error.value)
    assert not (tmp_path / "data" / f"{DATASET}.json").exists()
    assert prepare(TINY, tmp_path / "data").splits == {"train": 12, "test": 6}
