"""`forger versions`, `rollback`, `promote` and what `sample` then draws, as a user types them."""

import json

import numpy as np
import pytest
from PIL import Image

from components.push.layout import push_model
from serving.client.rows import seeds_for
from serving.repository import contract
from serving.saved_model.generator import LocalGenerator
from tests.support.command import assert_refused, forger
from tests.support.tiny_generator import build_tiny_generator


def _forger(home, *arguments):
    return forger(*arguments, "--home", home)


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    root = tmp_path_factory.mktemp("models")
    return [build_tiny_generator(root / str(index), scale=1.0 + index, training_key=str(index)) for index in range(3)]


@pytest.fixture
def home(tmp_path, models):
    """Versions 1 and 2, and 3 as the canary."""
    base = tmp_path / "home" / "serving" / "mnist_gan"
    for number, model in enumerate(models, start=1):
        verdict = {"figures": {"frechet_ratio": 1.0 + number, "recall": None}}
        push_model(model, base, run_id=f"run-{number}", verdict=verdict, keep_versions=5, canary=number == 3)
    return tmp_path / "home"


def _sample(home, *arguments):
    done = _forger(home, "sample", *arguments)
    assert done.exit_code == 0, done.output
    return done.output


def _labels(home):
    return {one["version"]: one["labels"] for one in json.loads(_forger(home, "versions", "--json").stdout)}


def test_versions_tell_when_by_whom_how_good_and_what_is_served(home):
    (home / "serving" / "mnist_gan" / "1" / contract.SAVED_MODEL_FILE).write_bytes(b"cut")
    known = json.loads(_forger(home, "versions", "--json").stdout)
    assert [one["version"] for one in known] == [1, 2, 3]
    assert [one["labels"] for one in known] == [["previous"], ["stable"], ["canary"]]
    assert known[1]["run_id"] == "run-2"
    assert known[1]["gate"] == {"frechet_ratio": 3.0, "recall": None}
    assert known[1]["pushed"].endswith("+00:00")
    assert known[0]["problem"] == "saved_model.pb differs (by assets.extra/manifest.json)"
    assert known[1]["problem"] is None
    rows = _forger(home, "versions").stdout.splitlines()
    assert [row.split()[0] for row in rows] == ["version", "3", "2", "1"]
    assert "stable" in rows[2]
    assert "damaged: saved_model.pb differs" in rows[3]


def test_rollback_promote_and_status_agree(home):
    done = _forger(home, "rollback")
    assert (done.exit_code, done.stdout.split(";")[0]) == (0, "mnist_gan: stable 2, previous 1")
    assert _forger(home, "rollback").stdout.startswith("mnist_gan: stable 1;")
    assert _labels(home) == {1: ["stable"], 2: [], 3: []}
    assert json.loads(_forger(home, "status", "--json").stdout)["served"] == {"mnist_gan": {"stable": 1}}
    assert _forger(home, "rollback", "--to", 3).stdout.startswith("mnist_gan: stable 3, previous 1;")
    refused = _forger(home, "promote")
    assert_refused(refused, "there is no canary")


def test_promote(home):
    assert _forger(home, "promote").stdout.startswith("mnist_gan: stable 3, previous 2;")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["rollback", "--to", "9"], "version 9 is not in"),
        (["rollback", "--dataset", "kmnist"], "push one with `forger run`"),
        (["sample", "--out", "x.png", "--version-label", "blue"], "there is stable 2, previous 1, canary 3"),
        (["sample", "--out", "x.png", "--version", "9"], "`forger versions` lists them"),
        (["sample", "--out", "x.png", "--model", "m", "--version", "1"], "leave --model out"),
        (["sample", "--out", "x.png", "--tls-ca", "none.pem"], "does not exist"),
    ],
)
def test_a_mistake_is_one_line_and_exit_2(home, arguments, line):
    assert_refused(_forger(home, *arguments), line)
    assert _labels(home) == {1: ["previous"], 2: ["stable"], 3: ["canary"]}


def test_an_empty_home(tmp_path):
    assert "forger run" in _forger(tmp_path, "versions").stdout
    assert _forger(tmp_path, "versions", "--json").stdout == "[]\n"


def test_sample_draws_from_the_stable_version_or_the_one_that_is_named(home, models, tmp_path):
    seeds = seeds_for(4, 6)
    for arguments, model in (([], models[1]), (["--version-label", "canary"], models[2]), (["--version", "1"], models[0])):
        _sample(home, "--seed", 4, "--count", 6, "--digit", 3, "--out", tmp_path / "x.npy", *arguments)
        assert np.array_equal(np.load(tmp_path / "x.npy"), LocalGenerator(model).sample(seeds, [3] * 6)[0][..., 0])


def test_sample_draws_the_way_between_two_seeds(home, models, tmp_path):
    out = tmp_path / "way.npy"
    shown = _sample(home, "--seed", 4, "--to-seed", 5, "--count", 7, "--digit", 3, "--out", out)
    assert "on the way from seed 4 to seed 5" in shown
    first, last = seeds_for(4, 1)[0], seeds_for(5, 1)[0]
    ends = LocalGenerator(models[1]).sample([first, last], [3, 3])[0][..., 0]
    assert np.array_equal(np.load(out)[[0, -1]], ends)
    _sample(home, "--to-seed", 5, "--count", 9, "--out", tmp_path / "way.png")
    assert Image.open(tmp_path / "way.png").size == (88, 88)


def test_what_was_done_as_json(home, tmp_path):
    drawn = json.loads(_forger(home, "sample", "--count", 6, "--digit", 3, "--out", tmp_path / "x.npy", "--json").stdout)
    assert (drawn["images"], drawn["seed"], drawn["label"], drawn["out"]) == (6, 1, 3, str(tmp_path / "x.npy"))
    promoted = json.loads(_forger(home, "promote", "--json").stdout)
    assert promoted == {"model": "mnist_gan", "labels": {"stable": 3, "previous": 2}, "versions": [2, 3]}
    back = json.loads(_forger(home, "rollback", "--json").stdout)
    assert back["labels"]["stable"] == 2
