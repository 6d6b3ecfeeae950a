"""The home directory."""

import json
import subprocess
import sys

import pytest

from pipeline.home.home import Home
from serving.repository.errors import UserError


def test_a_new_home_is_made_and_opens_again(tmp_path):
    home = Home.at(tmp_path / "a" / "home")
    home.open()
    home.open()
    assert home.runs.is_dir()


@pytest.mark.parametrize("marker", ['{"format": 99}', "{", "[]"])
def test_a_home_of_another_version_is_refused_and_left_as_it_is(tmp_path, marker):
    (tmp_path / "home.json").write_text(marker)
    with pytest.raises(UserError, match="this version reads layout"):
        Home.at(tmp_path).open()
    assert [path.name for path in tmp_path.iterdir()] == ["home.json"]


def test_a_home_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="name another with --home"):
        Home.at(tmp_path / "file" / "home").open()


def test_no_disk_space_is_said_before_anything_starts(tmp_path, monkeypatch):
    monkeypatch.setattr("pipeline.home.home._MIN_FREE_BYTES", 1 << 62)
    with pytest.raises(UserError, match=r"MiB are free .* --home"):
        Home.at(tmp_path).open()


def test_a_second_process_is_refused_and_a_killed_one_leaves_no_lock(tmp_path):
    home = Home.at(tmp_path)
    home.open()
    hold = (
        "import sys, time; from pathlib import Path; from pipeline.home.home import Home\n"
        f"with Home.at(Path({str(tmp_path)!r})).alone(): print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", hold], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "held\n"
        assert home.busy()
        with pytest.raises(UserError, match="another run is working"), home.alone():
            pass
        holder.kill()
    assert not home.busy()
    with home.alone():
        pass


def test_records_that_cannot_be_read_are_passed_over(tmp_path):
    from pipeline.home.run_record import RunRecord, load_last

    record = RunRecord(
        run_id="1",
        state="blessed",
        started="now",
        profile="smoke",
        config={"data": {"dataset": "mnist"}},
        pipeline_digest="d",
        training_key="k",
    )
    record.save(tmp_path)
    (tmp_path / "2.json").write_text(json.dumps({"run_id": "2"}))
    (tmp_path / "3.json").write_text('{"run_id": "3", "sta')
    assert load_last(tmp_path) == record
    assert load_last(tmp_path / "none") is None
