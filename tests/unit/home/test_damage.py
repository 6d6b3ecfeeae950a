"""A home with damaged or missing files: one line that says what mends it, or it is mended, and nothing else is lost."""

import contextlib
import datetime
import json
import logging
import sqlite3

import pytest
from click.testing import CliRunner
from ml_metadata.metadata_store.metadata_store import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as mlmd

from components.ingest import record as dataset_record
from pipeline.cli import cli
from pipeline.home.history import read_history
from pipeline.home.home import Home
from pipeline.home.run_record import load_all
from pipeline.home.store import prepare_store, set_aside, store_problem
from pipeline.runner.local import _next_run_id
from serving.repository import contract
from serving.repository.errors import UserError
from tests.support.past_home import PastHome


@pytest.fixture
def home(tmp_path):
    past = PastHome(tmp_path / "home")
    past.add(version=1)
    past.add(state="blocked")
    (past.home.pipeline_root / "pushed").mkdir()
    del past
    return Home.at(tmp_path / "home")


@pytest.fixture
def notes(caplog):
    """What a person was told."""
    caplog.set_level(logging.INFO, logger="forger")
    return lambda: [record.forger_note for record in caplog.records if hasattr(record, "forger_note")]


def forger(*arguments):
    return CliRunner().invoke(cli, list(map(str, arguments)))


def doctor(home, *arguments):
    result = forger("doctor", "--home", home.path, "--json", *arguments)
    return result.exit_code, json.loads(result.stdout)


def executions(home):
    with sqlite3.connect(home.metadata) as connection:
        return connection.execute("SELECT count(*) FROM Execution").fetchone()[0]


@pytest.mark.parametrize(
    "content", [b"\xff\xfe\x00", b"", b"[]", b'{"run_id": "9"', b'{"run_id": "x", "state": "blessed"}', "{}".encode("utf-16")]
)
def test_a_damaged_run_record_hides_no_other_and_the_doctor_sets_it_aside(home, content):
    damaged = home.runs / "20990101-000000-000000.json"
    damaged.write_bytes(content)
    assert len(load_all(home.runs)) == 2
    for command in (["status"], ["history"], ["report"]):
        assert forger(*command, "--home", home.path).exit_code == 0
    code, findings = doctor(home)
    assert code == 1
    assert [damaged.name in finding["what"] for finding in findings] == [True]
    assert doctor(home, "--mend")[0] == 0
    assert doctor(home) == (0, [])
    (aside,) = home.runs.glob("*damaged*")
    assert aside.read_bytes() == content


@pytest.mark.parametrize(
    "content", ["[]", "null", "3", '"mnist"', "{}", '{"format": 1, "dataset": "mnist"}', '{"format": 1, "dataset": "mnist", '
                '"directory": 3, "sha256": {}}', '{"format": 1, "dataset": "mnist", "directory": "m", "sha256": []}']
)  # fmt: skip
def test_a_damaged_record_of_a_dataset_means_that_it_is_prepared_again(home, content):
    home.data.mkdir()
    dataset_record.record_path("mnist", home.data).write_text(content)
    assert dataset_record.load("mnist", home.data) is None


def test_the_doctor_sets_a_damaged_record_of_a_dataset_aside(home):
    home.data.mkdir()
    dataset_record.record_path("mnist", home.data).write_text("[]")
    assert doctor(home)[0] == 1
    assert doctor(home, "--mend")[0] == 0
    assert doctor(home) == (0, [])


def half_written(metadata):
    """Leave MLMD's file as a process does that is killed in a transaction: some new pages, and the journal of the old ones."""
    before = list(sqlite3.connect(metadata).iterdump())
    with contextlib.closing(sqlite3.connect(metadata, isolation_level=None)) as connection:
        connection.execute("PRAGMA cache_size = 2")  # so that pages go to disk before the end
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("CREATE TABLE more (text)")
        connection.executemany("INSERT INTO more VALUES (?)", [("x" * 500,)] * 2000)
        connection.execute("UPDATE Artifact SET uri = 'half' || uri")
        killed = {path: path.read_bytes() for path in (metadata, metadata.with_name(f"{metadata.name}-journal"))}
        connection.execute("ROLLBACK")
    for path, content in killed.items():
        path.write_bytes(content)
    return before


@pytest.mark.parametrize("first", [["history"], ["report"], ["doctor"], None])
def test_a_run_that_was_killed_while_it_wrote_metadata_has_damaged_nothing(home, first):
    before = half_written(home.metadata)
    if first is None:
        prepare_store(home)
    else:
        assert forger(*first, "--home", home.path).exit_code == 0
    assert store_problem(home.metadata) == ""
    assert list(sqlite3.connect(home.metadata).iterdump()) == before
    assert not home.metadata.with_name(f"{home.metadata.name}-journal").exists()


def test_metadata_that_are_set_aside_keep_their_journal(home):
    before = half_written(home.metadata)
    aside = set_aside(home.metadata)
    assert list(sqlite3.connect(aside).iterdump()) == before
    assert not home.metadata.with_name(f"{home.metadata.name}-journal").exists()


def corrupt_the_middle(path):
    content = bytearray(path.read_bytes())
    content[4096 : len(content) - 100] = b"\x5a" * (len(content) - 100 - 4096)
    path.write_bytes(content)


@pytest.mark.parametrize("damage", [lambda path: path.write_bytes(b"no database" * 500), corrupt_the_middle])
def test_corrupt_metadata_are_one_line_and_the_doctor_sets_them_aside(home, damage):
    damage(home.metadata)
    content = home.metadata.read_bytes()
    for command in ("history", "report"):
        result = forger(command, "--home", home.path)
        assert result.exit_code == 2
        assert "forger doctor --mend" in result.stderr
        assert len(result.stderr.splitlines()) == 1
        assert "SELECT" not in result.stderr
    with pytest.raises(UserError, match="forger doctor --mend"):
        prepare_store(home)
    assert home.metadata.read_bytes() == content
    code, findings = doctor(home, "--mend")
    assert code == 0
    assert "can't be read" in findings[0]["what"]
    (aside,) = home.path.glob("metadata.sqlite.damaged-*")
    assert aside.read_bytes() == content
    assert [run.run_id for run in read_history(home)] == [record.run_id for record in load_all(home.runs)]
    assert forger("report", "--home", home.path).exit_code == 0


@pytest.mark.parametrize("lose", [lambda path: path.unlink(), lambda path: path.write_bytes(b"")])
def test_without_metadata_a_run_goes_on_beside_what_there_is(home, lose, notes):
    highest = max(int(path.name) for path in home.pipeline_root.glob("*/*/*") if path.name.isdecimal())
    lose(home.metadata)
    assert len(read_history(home)) == 2
    assert doctor(home)[0] == 0  # the next run mends it
    assert "is gone" in doctor(home)[1][0]["what"]
    prepare_store(home)
    assert any("everything runs again" in note for note in notes())
    config = mlmd.ConnectionConfig()
    config.sqlite.filename_uri = str(home.metadata)
    store = MetadataStore(config)
    kind = store.put_execution_type(mlmd.ExecutionType(name="Node"))
    (first,) = store.put_executions([mlmd.Execution(type_id=kind)])
    assert first > highest  # TFX names the directory of an artifact by this number
    before = executions(home)
    prepare_store(home)
    assert executions(home) == before


def test_a_new_home_needs_no_store(tmp_path, notes):
    home = Home.at(tmp_path / "home")
    home.open()
    prepare_store(home)
    assert not home.metadata.exists()
    assert notes() == []


def test_a_record_dated_in_the_future_does_not_stay_the_last_run_for_ever(home):
    dated = {"run_id": "20990101-000000-000000", "started": "2099-01-01T00:00:00+00:00"}
    future = load_all(home.runs)[0].model_copy(update=dated)
    future.save(home.runs)
    now = datetime.datetime.now(datetime.UTC)
    run = future.model_copy(update={"run_id": _next_run_id(now, future), "started": now.isoformat(timespec="seconds")})
    run.save(home.runs)
    assert load_all(home.runs)[0].run_id == read_history(home)[0].run_id == run.run_id == "20990101-000001-000000"
    code, findings = doctor(home)
    assert code == 0
    assert all("dated in the future" in finding["what"] for finding in findings)
    assert len(findings) == 2


@pytest.mark.parametrize("last", ["garbage", "99991231-235959-999999"])
def test_an_id_that_no_clock_gives_is_followed_too(home, last):
    before = load_all(home.runs)[0].model_copy(update={"run_id": last})
    assert _next_run_id(datetime.datetime.now(datetime.UTC), before) > last


def test_the_doctor_names_what_is_gone_damaged_or_left_over(home):
    for path in home.pipeline_root.glob("Gate/evaluation/*/*"):
        path.unlink()
    for path in home.pipeline_root.glob("Gate/evaluation/*"):
        path.rmdir()
    version = home.model_base("mnist") / "1"
    version.mkdir(parents=True)
    partial = home.runs / ".x.json.1.partial"
    partial.write_text("{")
    code, findings = doctor(home, "--mend")
    told = "\n".join(finding["what"] for finding in findings)
    assert code == 1  # the damaged version is the user's to replace
    assert "artifact of the last run is gone: Gate" in told
    assert f"{contract.SAVED_MODEL_FILE} is missing" in told
    assert not partial.exists()
    assert version.is_dir()


def test_the_doctor_of_a_moved_home_makes_it_whole_also_with_corrupt_metadata(home, tmp_path):
    moved = Home.at(home.path.rename(tmp_path / "moved"))
    moved.metadata.write_bytes(b"no database" * 500)
    with pytest.raises(UserError, match="forger doctor --mend"):
        moved.open()
    assert doctor(moved, "--mend")[0] == 0
    assert moved.origin() == moved.path


def test_the_doctor_of_nothing_is_one_line_and_changes_nothing(tmp_path):
    result = forger("doctor", "--home", tmp_path / "none", "--mend")
    assert result.exit_code == 2
    assert "forger run" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_whole_home_is_told_to_be_whole(home):
    result = forger("doctor", "--home", home.path)
    assert (result.exit_code, result.stdout) == (0, f"nothing is wrong with {home.path}\n")


def test_a_run_that_holds_the_home_keeps_the_doctor_out(home):
    (home.runs / "x.json").write_text("")
    with home.alone():
        result = forger("doctor", "--home", home.path, "--mend")
    assert result.exit_code == 2
    assert "another run is working" in result.stderr
    assert (home.runs / "x.json").exists()
