"""A home that was renamed, moved or copied: nothing in it is lost, and a copy leaves the original alone."""

import json
import multiprocessing
import os
import shutil
import sqlite3

import pytest
from click.testing import CliRunner

from pipeline.cli import cli
from pipeline.home import moving
from pipeline.home.home import Home
from pipeline.home.lineage import read_runs
from pipeline.home.run_record import load_last
from pipeline.home.store import store_problem
from pipeline.report.facts import gather
from serving.repository import contract
from serving.repository.errors import UserError
from serving.repository.labels import Served, release, served
from tests.support.past_home import PastHome, make_showcase


@pytest.fixture
def old(tmp_path):
    """A home with one run and one served version, its verdict naming a judge, a calibration and examples in the home."""
    path = tmp_path / "old"
    places = {name: {"path": str(path / name), "digest": "b"} for name in ("judge", "calibration")}
    places["examples_path"] = str(path / "examples")
    past = PastHome(path)
    record = past.add(version=1, showcase=make_showcase())
    record.verdict |= places
    record.pushed_path = str(path / "serving" / "mnist_gan" / "1")
    record.pictures = {"first": str(path / "reports" / "first.png")}
    record.save(past.home.runs)
    version = past.home.model_base("mnist") / "1"
    version.mkdir(parents=True)
    (version / contract.SAVED_MODEL_FILE).write_bytes(b"graph")
    release(version.parent, 1, canary=False)
    del past
    return Home.at(path)


def uris(home):
    with sqlite3.connect(home.metadata) as connection:
        return [uri for (uri,) in connection.execute("SELECT uri FROM Artifact ORDER BY id")]


def everything(home):
    return {path: path.read_bytes() for path in home.path.rglob("*") if path.is_file() and path.name != ".lock"}


def base_path(home):
    return (home.serving / contract.MODELS_CONFIG_FILE).read_text().partition('base_path: "')[2].partition('"')[0]


@pytest.mark.parametrize("opened", [False, True])
def test_a_moved_home_has_its_pictures_its_judge_and_its_journal(old, tmp_path, opened):
    before = gather(old, load_last(old.runs))
    shutil.move(old.path, tmp_path / "ü new%")
    new = Home.at(tmp_path / "ü new%")
    if opened:
        new.open()
    record = load_last(new.runs)
    after = gather(new, record)
    assert after.showcase.keys() == before.showcase.keys() != set()
    assert len(after.metrics) == len(before.metrics) == len(after.samples) > 0
    assert after.card == before.card != {}
    assert record.verdict["judge"]["path"] == str(new.path / "judge")
    assert record.verdict["calibration"]["path"] == str(new.path / "calibration")
    assert record.verdict["examples_path"] == str(new.path / "examples")
    assert record.pushed_path == str(new.path / "serving" / "mnist_gan" / "1")
    assert record.pictures == {"first": str(new.path / "reports" / "first.png")}


def test_a_record_names_no_place_outside_its_home(old):
    assert str(old.path) not in next(old.runs.glob("*.json")).read_text()


def test_a_moved_home_that_is_opened_has_its_own_paths_in_mlmd_and_models_config(old, tmp_path):
    shutil.move(old.path, tmp_path / "new")
    new = Home.at(tmp_path / "new")
    new.open()
    assert all(uri.startswith(f"{new.path}/") for uri in uris(new))
    assert base_path(new) == str(new.path / "serving" / "mnist_gan")
    assert json.loads((new.path / "home.json").read_text())["path"] == str(new.path)
    assert served(new.model_base("mnist")) == Served(stable=1)


def test_a_rewrite_changes_no_time_that_the_cache_looks_at(old, tmp_path):
    def times(home):
        with sqlite3.connect(home.metadata) as connection:
            return connection.execute("SELECT id, create_time_since_epoch, last_update_time_since_epoch FROM Artifact").fetchall()

    before = times(old)
    shutil.move(old.path, tmp_path / "new")
    Home.at(tmp_path / "new").open()
    assert times(Home.at(tmp_path / "new")) == before


def test_a_copy_works_beside_the_original_which_stays_as_it_is(old, tmp_path):
    before = everything(old)
    shutil.copytree(old.path, tmp_path / "copy")
    copy = Home.at(tmp_path / "copy")
    copy.open()
    assert everything(old) == before
    assert all(uri.startswith(f"{copy.path}/") for uri in uris(copy))
    old.open()
    assert everything(old) == before


def test_a_rollback_in_a_moved_home_names_the_new_place(old, tmp_path, monkeypatch):
    monkeypatch.setattr("pipeline.home.home._MIN_FREE_BYTES", 1 << 62)  # it needs no space
    shutil.copytree(old.model_base("mnist") / "1", old.model_base("mnist") / "2")
    release(old.model_base("mnist"), 2, canary=False)
    new = Home.at(old.path.rename(tmp_path / "new"))
    done = CliRunner().invoke(cli, ["rollback", "--home", str(new.path)])
    assert done.exit_code == 0, done.output
    assert base_path(new) == str(new.path / "serving" / "mnist_gan")
    assert served(new.model_base("mnist")) == Served(stable=1)


@pytest.mark.parametrize("command", ["rollback", "promote"])
def test_a_rollback_makes_no_home(tmp_path, command):
    assert CliRunner().invoke(cli, [command, "--home", str(tmp_path / "none")]).exit_code == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a#b", "a%41b", "a&b'c", 'a"b', "a b\nc", "ü{x}"])
def test_other_names_are_places_like_any(old, tmp_path, name):
    new = Home.at(old.path.rename(tmp_path / name))
    new.open()
    assert [node.id for run in read_runs(new) for node in run.nodes] == ["GanTrainer", "Gate", "GeneratorPusher"]
    assert served(new.model_base("mnist")) == Served(stable=1)
    assert store_problem(new.metadata) == ""


def test_a_base_path_that_the_user_changed_stays(old, tmp_path):
    config = old.serving / contract.MODELS_CONFIG_FILE
    config.write_text(config.read_text().replace(base_path(old), "/models/mnist_gan"))
    shutil.move(old.path, tmp_path / "new")
    Home.at(tmp_path / "new").open()
    assert base_path(Home.at(tmp_path / "new")) == "/models/mnist_gan"


def test_a_home_moved_into_its_old_place_is_rewritten_once(old, tmp_path):
    shutil.move(old.path, tmp_path / "aside")
    old.path.mkdir()
    shutil.move(tmp_path / "aside", old.path / "inner")
    inner = Home.at(old.path / "inner")
    for _ in range(2):  # as after a kill before home.json was written
        moving.rewrite_paths(inner.metadata, inner.serving, old.path, inner.path)
    assert all(uri.startswith(f"{inner.path}/pipeline_root/") for uri in uris(inner))
    assert base_path(inner) == str(inner.path / "serving" / "mnist_gan")


def test_a_name_that_begins_the_same_is_another_place(tmp_path):
    old, new = tmp_path / "home", tmp_path / "new"
    assert moving.moved(f"{old}2/x", old, new) == f"{old}2/x"
    assert moving.moved(f"{old}/x", old, new) == f"{new}/x"
    assert moving.moved(str(old), old, new) == str(new)


def _open_and_die(path, where):
    """Open a home and die at once where `where` is called."""
    setattr(*where, lambda *_: os._exit(9))
    Home.at(path).open()


@pytest.mark.parametrize(
    "where", [(moving, "move_base_paths"), (__import__("pipeline.home.home", fromlist=["home"]), "replace_file")]
)
def test_an_opening_that_is_killed_is_done_again(old, tmp_path, where):
    shutil.move(old.path, tmp_path / "new")
    child = multiprocessing.get_context("fork").Process(target=_open_and_die, args=(tmp_path / "new", where))
    child.start()
    child.join()
    assert child.exitcode == 9
    new = Home.at(tmp_path / "new")
    assert new.origin() == old.path
    traced = [artifact.uri for run in read_runs(new) for node in run.nodes for artifact in node.outputs]
    assert all(uri.startswith(f"{new.path}/") for uri in traced)
    new.open()
    assert new.origin() == new.path
    assert all(uri.startswith(f"{new.path}/") for uri in uris(new))
    assert base_path(new) == str(new.path / "serving" / "mnist_gan")


def test_a_moved_home_that_a_run_holds_is_one_line(old, tmp_path):
    shutil.move(old.path, tmp_path / "new")
    new = Home.at(tmp_path / "new")
    with new.alone(), pytest.raises(UserError, match="another run is working"):
        new.open()


@pytest.mark.parametrize("name", ["a[b", "a]b", "a*b", "a?b", "a\\b"])
def test_a_path_that_tensorflow_takes_for_a_pattern_is_refused_in_one_line(tmp_path, name):
    with pytest.raises(UserError, match=r"TensorFlow takes that for a pattern: .* --home"):
        Home.at(tmp_path / name)


def test_another_way_to_the_same_home_is_no_move(tmp_path):
    (tmp_path / "a").mkdir()
    assert Home.at(tmp_path / "a" / ".." / "home").path == tmp_path / "home"
    (tmp_path / "elsewhere" / "deep").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere" / "deep")
    assert Home.at(tmp_path / "link" / ".." / "home").path.resolve() == tmp_path / "elsewhere" / "home"
