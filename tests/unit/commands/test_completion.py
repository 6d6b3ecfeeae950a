"""What the shell completes, and a real bash that does it."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.shell_completion import BashComplete

from components.push.layout import push_model
from pipeline.cli import cli
from pipeline.config import PROFILES
from serving.repository import contract
from tests.support.past_home import PastHome

FORGER = Path(sys.executable).with_name("forger")


def completed(*typed):
    """What is offered for the last word, by word."""
    *words, last = map(str, typed)
    found = BashComplete(cli, {}, "forger", "_FORGER_COMPLETE").get_completions(words, last)
    return {item.value: item.help or "" for item in found}


@pytest.fixture(scope="module")
def home(tmp_path_factory, tiny):
    """Versions 1 and 2, and 3 as the canary; two runs."""
    past = PastHome(tmp_path_factory.mktemp("a home") / "here")
    past.add("blessed", version=1)
    past.add("blocked")
    for number in (1, 2, 3):
        model = tmp_path_factory.mktemp("model") / "model"
        shutil.copytree(tiny, model)
        metadata = model / contract.METADATA_FILE
        metadata.write_text(json.dumps({**json.loads(metadata.read_text()), contract.META_TRAINING_KEY: str(number)}))
        base = past.home.model_base("mnist")
        push_model(model, base, run_id=f"run-{number}", verdict={"figures": {}}, keep_versions=5, canary=number == 3)
    return past.home


@pytest.mark.parametrize("command", [["run"], ["kubeflow", "compile"]])
def test_profiles_and_settings(command):
    assert list(completed(*command, "--profile", "")) == list(PROFILES)
    assert list(completed(*command, "--profile", "s")) == ["smoke"]
    settings = completed(*command, "--set", "gan.fin")
    assert list(settings) == ["gan.final_learning_rate=", "gan.final_gamma="]
    assert all(settings.values())
    assert len(completed(*command, "--set", "gan.steps=1", "--set", "")) > 50


def test_values_where_there_are_few():
    assert list(completed("run", "--set", "gate.force_baseline=")) == ["gate.force_baseline=true", "gate.force_baseline=false"]
    assert "gan.recipe=article" in completed("run", "--set", "gan.recipe=a")
    assert completed("run", "--set", "gan.steps=") == {}


@pytest.mark.parametrize(
    "command", [["sample", "--version"], ["generate", "--version"], ["rollback", "--to"]], ids=lambda words: words[0]
)
def test_versions_newest_first(command, home):
    name, option = command
    assert completed(name, "--home", home.path, option, "") == {"3": "canary", "2": "stable", "1": "previous"}
    assert completed(name, "--home", home.path, "--dataset", "kmnist", option, "") == {}


def test_labels_and_runs(home):
    assert sorted(completed("sample", "--home", home.path, "--version-label", "")) == ["canary", "previous", "stable"]
    assert list(completed("report", "--home", home.path, "")) == sorted((run.stem for run in home.runs.iterdir()), reverse=True)


def test_what_cannot_be_read_completes_nothing(tmp_path):
    (tmp_path / "serving" / "mnist_gan" / "1").mkdir(parents=True)
    (tmp_path / "serving" / "models.config").write_text("{{")
    assert completed("sample", "--home", tmp_path, "--version", "") == {}
    assert completed("sample", "--home", tmp_path / "[*]", "--version", "") == {}
    assert completed("report", "--home", tmp_path / "gone", "") == {}


def test_in_bash(home):
    """As README says to turn it on; the home's path has a space in it."""
    script = (
        f'eval "$(_FORGER_COMPLETE=bash_source "{FORGER}")"\n'
        + "COMP_CWORD=5\n"
        + (
            f"COMP_WORDS=(forger rollback --home '{str(home.path).replace(' ', chr(92) + ' ')}' --to '')\n"
            f'_forger_completion "{FORGER}"\nprintf "%s\\n" "${{COMPREPLY[@]}}"\n'
        )
    )
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    assert (done.stdout.split(), done.stderr) == (["3", "2", "1"], "")
