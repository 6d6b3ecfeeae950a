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
MODEL = "mnist_gan"


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

    def start() -> Callable[[], None]:
        # A remote from the environment, as the components for object stores have it.
        command = ["sh", str(_SCRIPT), f"store:{published.name}", str(tmp_path / "local"), server.address]
        store = {"RCLONE_CONFIG_STORE_TYPE": "alias", "RCLONE_CONFIG_STORE_REMOTE": str(tmp_path)}
        environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "INTERVAL": "0.1", "LOADING_TRIES": "3", **store}
        with (tmp_path / "log").open("wb") as log:
            started.append(subprocess.Popen(command, env=environment, stderr=log))
        return stop

    def stop() -> None:
        for process in started:
            process.terminate()
            process.wait()

    yield start
    stop()


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
    push("kmnist_gan")  # a model that the server does not know yet
    wait_until(lambda: server.labels.get(("kmnist_gan", "stable")) == 1)
    push("kmnist_gan")
    wait_until(lambda: server.labels.get(("kmnist_gan", "stable")) == 2)
    assert server.labels[(MODEL, "stable")] == 1
    wait_until(lambda: server.serving() == {(MODEL, 1), ("kmnist_gan", 1), ("kmnist_gan", 2)})
    assert server.refused == []


def test_a_damaged_version_is_not_copied_until_it_is_whole(push, sync, server, published, tmp_path) -> None:
    first = push()
    stop = sync()
    wait_until(lambda: server.labels == {(MODEL, "stable"): first})
    stop()
    second = push()
    weights = published / MODEL / str(second) / "variables" / "variables.data-00000-of-00001"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-1])
    sync()
    wait_until(lambda: f"version {second} of {MODEL} is damaged" in (tmp_path / "log").read_text())
    assert server.labels == {(MODEL, "stable"): first}
    assert not (tmp_path / "local" / MODEL / str(second)).exists()
    weights.write_bytes(whole)
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
