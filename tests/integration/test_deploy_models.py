"""serving/deploy's models.sh: from what a push wrote to what tensorflow_model_server reads, through a real rclone."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from components.push.layout import push_model
from serving.repository.labels import roll_back
from tests.support.config_poller import ConfigPoller
from tests.support.waiting import wait_until

_SCRIPT = Path(__file__).parents[2] / "serving" / "deploy" / "kubernetes" / "base" / "models.sh"
MODEL, OTHER = "mnist_gan", "kmnist_gan"


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """What the push writes, `<home>/serving`."""
    return tmp_path / "published"


@pytest.fixture
def push(published: Path, tmp_path: Path) -> Callable[..., int]:
    """Push a new model: a copy with its own weights. What is copied and served here never looks inside."""
    count = iter(range(100))

    def do(name: str = MODEL) -> int:
        model = tmp_path / f"model{next(count)}"
        (model / "variables").mkdir(parents=True)
        (model / "assets.extra").mkdir()
        (model / "saved_model.pb").write_bytes(b"graph")
        (model / "variables" / "variables.data-00000-of-00001").write_text(model.name)
        (model / "assets.extra" / "forger.json").write_text(json.dumps({"training_key": model.name}))
        return push_model(model, published / name, run_id="run", verdict={}, keep_versions=5).version

    return do


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ConfigPoller]:
    with ConfigPoller(tmp_path / "local" / "models.config") as poller:
        yield poller


@pytest.fixture
def sync(published: Path, server: ConfigPoller, tmp_path: Path) -> Iterator[Callable]:
    """Start models.sh; what is returned stops it."""
    missing = [tool for tool in ("rclone", "wget") if not shutil.which(tool)]
    if missing:
        pytest.fail(f"models.sh cannot be tested: apt-get install {' '.join(missing)}", pytrace=False)
    started = []

    def start(*, loading_tries: int = 3) -> Callable[[], None]:
        # A remote from the environment, as the components for object stores have it.
        command = ["sh", str(_SCRIPT), f"store:{published.name}", str(tmp_path / "local"), server.address]
        store = {"RCLONE_CONFIG_STORE_TYPE": "alias", "RCLONE_CONFIG_STORE_REMOTE": str(tmp_path)}
        times = {"INTERVAL": "0.1", "LOADING_TRIES": str(loading_tries)}
        environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), **times, **store}
        with (tmp_path / "log").open("wb") as log:
            started.append(subprocess.Popen(command, env=environment, stderr=log))
        return stop

    def stop() -> None:
        for process in started:
            process.terminate()
            process.wait()

    yield start
    stop()


def _damage(version: Path) -> Callable[[], object]:
    """Cut off a byte of a published version's weights; what is returned puts it back."""
    weights = version / "variables" / "variables.data-00000-of-00001"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-1])
    return lambda: weights.write_bytes(whole)


def _log_count(tmp_path: Path, words: str) -> int:
    return (tmp_path / "log").read_text().count(words)


def test_what_is_pushed_and_rolled_back_is_followed(push, sync, server, published, tmp_path) -> None:
    first = push()
    sync()
    wait_until(lambda: server.labels == {(MODEL, "stable"): first})
    second = push()
    third = push()
    wait_until(lambda: server.labels == {(MODEL, "stable"): third, (MODEL, "previous"): second})
    roll_back(published / MODEL)
    wait_until(lambda: server.labels.get((MODEL, "stable")) == second)
    wait_until(lambda: server.serving() == {(MODEL, second)})  # what was rolled back is unloaded
    assert server.refused == []  # no label ever moved before its version was loaded
    assert (tmp_path / "local" / MODEL / str(second) / "saved_model.pb").is_file()


def test_models_that_share_the_file_are_told_apart(push, sync, server) -> None:
    push()
    sync()
    wait_until(lambda: server.labels == {(MODEL, "stable"): 1})
    push(OTHER)  # a model that the server does not know yet
    wait_until(lambda: server.labels.get((OTHER, "stable")) == 1)
    push(OTHER)
    wait_until(lambda: server.labels.get((OTHER, "stable")) == 2)
    assert server.labels[(MODEL, "stable")] == 1
    wait_until(lambda: server.serving() == {(MODEL, 1), (OTHER, 1), (OTHER, 2)})
    assert server.refused == []


def test_a_damaged_version_is_not_copied_until_it_is_whole(push, sync, server, published, tmp_path) -> None:
    first = push()
    stop = sync()
    wait_until(lambda: server.labels == {(MODEL, "stable"): first})
    stop()
    second = push()
    mend = _damage(published / MODEL / str(second))
    sync()
    wait_until(lambda: f"version {second} of {MODEL} is damaged" in (tmp_path / "log").read_text())
    assert server.labels == {(MODEL, "stable"): first}
    assert not (tmp_path / "local" / MODEL / str(second)).exists()
    mend()
    wait_until(lambda: server.labels == {(MODEL, "stable"): second, (MODEL, "previous"): first})


def test_a_version_that_does_not_load_never_gets_a_label(push, sync, server, tmp_path) -> None:
    first = push()
    sync()
    wait_until(lambda: server.labels == {(MODEL, "stable"): first})
    server.broken.add(first + 1)
    push()
    wait_until(lambda: "do not load" in (tmp_path / "log").read_text())
    assert server.labels == {(MODEL, "stable"): first}
    assert (MODEL, first) in server.serving()
    third = push()
    server.broken.clear()
    wait_until(lambda: server.labels.get((MODEL, "stable")) == third)
    assert server.refused == []


def test_a_damaged_version_holds_up_no_other_model(push, sync, server, published, tmp_path) -> None:
    push(OTHER)
    push()
    stop = sync()
    wait_until(lambda: server.labels == {(OTHER, "stable"): 1, (MODEL, "stable"): 1})
    stop()
    mend = _damage(published / OTHER / str(push(OTHER)))
    push()
    sync()
    wait_until(lambda: server.labels == {(OTHER, "stable"): 1, (MODEL, "stable"): 2, (MODEL, "previous"): 1})
    roll_back(published / MODEL)
    wait_until(lambda: server.labels == {(OTHER, "stable"): 1, (MODEL, "stable"): 1})
    wait_until(lambda: server.serving() == {(OTHER, 1), (MODEL, 1)})
    assert f"version 2 of {OTHER} is damaged" in (tmp_path / "log").read_text()
    mend()
    wait_until(lambda: server.labels == {(OTHER, "stable"): 2, (OTHER, "previous"): 1, (MODEL, "stable"): 1})
    assert server.refused == []


def test_a_server_starts_without_the_model_that_is_damaged(push, sync, server, published, tmp_path) -> None:
    mend = _damage(published / OTHER / str(push(OTHER)))
    push()
    sync()
    wait_until(lambda: server.labels == {(MODEL, "stable"): 1})
    mend()
    wait_until(lambda: server.labels == {(OTHER, "stable"): 1, (MODEL, "stable"): 1})
    assert server.refused == []


def test_a_version_that_does_not_load_unloads_no_other_model(push, sync, server, tmp_path) -> None:
    for _ in range(3):
        push(OTHER)
    push()
    stop = sync()
    before = {(OTHER, "stable"): 3, (OTHER, "previous"): 2}
    wait_until(lambda: server.labels == {**before, (MODEL, "stable"): 1})
    stop()
    server.broken.add(push(OTHER))
    push()
    sync()
    after = {**before, (MODEL, "stable"): 2, (MODEL, "previous"): 1}
    wait_until(lambda: server.labels == after)
    passes = _log_count(tmp_path, "do not load")

    def two_more_passes() -> bool:
        assert server.labels == after
        assert server.serving() == {(OTHER, 2), (OTHER, 3), (MODEL, 1), (MODEL, 2)}
        return _log_count(tmp_path, "do not load") >= passes + 2

    wait_until(two_more_passes)
    assert _log_count(tmp_path, "do not load") == _log_count(tmp_path, f"the new versions of {OTHER} do not load")
    server.broken.clear()
    wait_until(lambda: server.labels.get((OTHER, "stable")) == 4)
    assert server.refused == []


def test_no_model_waits_for_another_one_to_load(push, sync, server, tmp_path) -> None:
    push(OTHER)
    push()
    stop = sync()
    wait_until(lambda: server.labels == {(OTHER, "stable"): 1, (MODEL, "stable"): 1})
    stop()
    for _ in range(2):
        push(OTHER)
    server.broken.add(3)
    push()
    sync(loading_tries=1000)
    wait_until(lambda: server.labels == {(OTHER, "stable"): 1, (MODEL, "stable"): 2, (MODEL, "previous"): 1})
    assert _log_count(tmp_path, "do not load") == 0
    server.broken.clear()
    wait_until(lambda: server.labels.get((OTHER, "stable")) == 3)
    assert server.refused == []
