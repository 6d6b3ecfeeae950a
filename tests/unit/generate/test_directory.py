"""The output directory: whose it is, what is finished in it, and what is refused."""

import json
import shutil
from collections import namedtuple

import pytest

from pipeline.generate import directory
from pipeline.generate.directory import check_space, claimed, conclude, finished
from pipeline.generate.request import Layout
from serving.repository.errors import UserError
from tests.support.sampling_requests import make_request


def test_a_new_directory_holds_its_request(tmp_path):
    request = make_request()
    with claimed(tmp_path / "a" / "b", request):
        held = json.loads((tmp_path / "a" / "b" / directory.REQUEST_FILE).read_text())
    assert held["count"] == 10
    with claimed(tmp_path / "a" / "b", request):  # again: the same request
        pass
    with (
        pytest.raises(UserError, match=r"another request \(--seed 1, not 2\)"),
        claimed(tmp_path / "a" / "b", make_request(seed=2)),
    ):
        pass


def test_one_process_writes_at_a_time(tmp_path):
    with (
        claimed(tmp_path, make_request()),
        pytest.raises(UserError, match="another `forger generate`"),
        claimed(tmp_path, make_request()),
    ):
        pass


def test_what_else_is_there_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(UserError, match=r"not empty \(it has mine.txt\)"), claimed(tmp_path, make_request()):
        pass
    with pytest.raises(UserError, match="is a file"), claimed(tmp_path / "mine.txt", make_request()):
        pass
    assert (tmp_path / "mine.txt").read_text() == "mine"
    assert not (tmp_path / directory.REQUEST_FILE).exists()


def test_a_damaged_request_is_not_guessed_at(tmp_path):
    (tmp_path / directory.REQUEST_FILE).write_text("{")
    with pytest.raises(UserError, match="can't be read"), claimed(tmp_path, make_request()):
        pass


def test_only_named_shards_are_finished_and_leftovers_go(tmp_path):
    request = make_request()
    with claimed(tmp_path, request):
        (tmp_path / request.file_name(1)).write_bytes(b"shard")
        (tmp_path / ".shard.x.partial").write_bytes(b"half")
        assert finished(tmp_path, request) == {1}
        with pytest.raises(UserError, match="2 of 3 shards"):
            conclude(tmp_path, request)
    with claimed(tmp_path, request):
        assert not list(tmp_path.glob(".*.partial"))
        for shard in (0, 2):
            (tmp_path / request.file_name(shard)).write_bytes(b"other")
        assert conclude(tmp_path, request) == 15
    assert json.loads((tmp_path / directory.DONE_FILE).read_text()) == {"images": 10, "shards": 3, "bytes": 15}


def test_what_cannot_fit_is_refused_first(tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(2 << 20, 1 << 20, 1 << 20))
    check_space(tmp_path, make_request(layout=Layout.PNG), 500)
    with pytest.raises(UserError, match="1 MiB are free"):
        check_space(tmp_path, make_request(layout=Layout.PNG), 600)
    check_space(tmp_path, make_request(), 600)
