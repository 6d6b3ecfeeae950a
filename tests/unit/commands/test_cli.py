"""The command line's answers to the user's mistakes: one line, exit code 2, nothing changed."""

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

FORGER = str(Path(sys.executable).with_name("forger"))


def forger(*arguments: object) -> subprocess.CompletedProcess:
    return subprocess.run([FORGER, *map(str, arguments)], capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["run", "--set", "gan.stepz=5"], "did you mean gan.steps?"),
        (["run", "--set", "gan.steps=0"], "greater than or equal to"),
        (["run", "--profile", "fast"], "choose one of"),
        (["run", "--profil", "smoke"], "No such option"),
        (["sample", "--out", "x.png"], "push one with `forger run`"),
        (["sample", "--out", "x.gif"], ".png or .npy"),
        (["sample", "--out", "x.png", "--count", "0"], "1<=x<="),
        (["sample", "--out", "x.png", "--server", "a:1", "--model", "b"], "not both"),
        (["sample", "--out", "x.png", "--server", "127.0.0.1:9"], "start one with `forger serve`"),
        (["serve"], "run `forger run` first"),
        (["report"], "no run yet"),
    ],
)
def test_a_mistake_is_one_line_and_exit_2(arguments, line, tmp_path):
    home = [] if "--server" in arguments and "a:1" in arguments else ["--home", tmp_path / "home"]
    done = forger(*arguments, *home)
    assert done.returncode == 2, done.stderr
    assert line in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "home" / "runs").exists() or not list((tmp_path / "home" / "runs").iterdir())


def test_an_unknown_dataset_names_close_ones(tmp_path):
    done = forger("run", "--set", "data.dataset=mnits", "--home", tmp_path)
    assert done.returncode == 2
    assert "mnist" in done.stderr.removeprefix("forger: ").replace("mnits", "")
    assert done.stderr.count("\n") == 1


def test_a_port_in_use_is_said(tmp_path):
    base = tmp_path / "serving" / "mnist_gan" / "1"
    base.mkdir(parents=True)
    (base / "saved_model.pb").write_bytes(b"")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = forger("serve", "--home", tmp_path, "--port", taken.getsockname()[1])
    assert done.returncode == 2
    assert "Address already in use" in done.stderr


def test_a_corrupt_pushed_version_is_named(tmp_path):
    base = tmp_path / "serving" / "mnist_gan" / "1"
    base.mkdir(parents=True)
    (base / "saved_model.pb").write_bytes(b"not a model")
    done = forger("sample", "--home", tmp_path, "--out", tmp_path / "x.png")
    assert done.returncode == 2
    assert str(base) in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "x.png").exists()


def test_status_of_an_empty_home_says_what_to_do(tmp_path):
    done = forger("status", "--home", tmp_path)
    assert done.returncode == 0
    assert "forger run" in done.stdout
    assert json.loads(forger("status", "--json", "--home", tmp_path).stdout)["last_run"] is None


def test_a_dry_run_prints_the_resolved_configuration_and_touches_nothing(tmp_path):
    done = forger("run", "--profile", "article", "--set", "gan.seed=5", "--dry-run", "--home", tmp_path / "home")
    assert done.returncode == 0
    assert '"seed": 5' in done.stdout
    assert "GanTrainer" in done.stdout
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["status"], ["run", "--set", "gan.x=1"]])
def test_what_does_not_need_tensorflow_does_not_import_it(arguments, tmp_path):
    code = (
        "import sys\nfrom pipeline.cli import main\n"
        f"sys.argv = ['forger', *{arguments!r}]\n"
        "try: main()\nexcept SystemExit: pass\n"
        "heavy = {'tensorflow', 'tfx', 'apache_beam', 'grpc'} & set(sys.modules)\nassert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
