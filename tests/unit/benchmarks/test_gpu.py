"""The command for a machine with a GPU: on this machine's CPU its parts do what they say."""

import subprocess
import sys

import pytest

from components.gan.settings import GanSettings
from tests.benchmarks.gpu import benchmark, resume

TINY = GanSettings(steps=16, checkpoint_every=8, sample_every=8, batch_size=8, width=4, latent_size=8, precision="float32")


def test_a_cpu_repeats_and_continues_a_training_bit_by_bit():
    found = resume.measure(TINY)
    assert (found["repeated"], found["continued"]) == (0.0, 0.0)


def test_a_training_that_does_not_go_on_from_the_checkpoint_is_seen(monkeypatch):
    trained = []

    def train(source, classes, settings, directory):
        trained.append(directory.name)
        seed = 2 if directory.name == "continued" else 1
        return real(source, classes, settings.model_copy(update={"seed": seed}), directory.with_name(f"{directory.name}_anew"))

    real = resume.train
    monkeypatch.setattr(resume, "train", train)
    monkeypatch.setattr(resume.shutil, "copytree", lambda *_: None)
    assert resume.measure(TINY)["continued"] > 0
    assert trained == ["first", "again", "continued"]


def test_a_part_that_is_there_is_not_measured_again(tmp_path):
    path = tmp_path / "part.json"
    benchmark._part(path, lambda where: where.write_text("{}"))
    benchmark._part(path, lambda where: pytest.fail("measured again"))
    with pytest.raises(subprocess.CalledProcessError):
        benchmark._benchmark("no_such_benchmark")


def test_a_run_that_ends_in_an_error_is_no_result(tmp_path):
    with pytest.raises(SystemExit, match="ended with status 2"):
        benchmark.whole_run(tmp_path, ["--set", "gan.no_such=1"])


def test_its_options():
    done = subprocess.run([sys.executable, "-m", "tests.benchmarks", "gpu", "--help"], capture_output=True, text=True, check=True)
    for option in ("--out", "--profile", "--data", "--marks", "--set"):
        assert option in done.stdout


def test_the_table_has_a_row_for_each_part(capsys):
    speed = {"machine": "a CPU", "device": "a GPU", "images_per_second": 5000.0, "peak_mib": 900.0}
    run = {"machine": "a CPU", "images_per_second": 4000.0, "seconds": {"whole run": 61.0}, "state": "blessed"}
    benchmark.show({"speed_float32.json": speed, "run_mnist.json": {**run, "figures": {"recall": 0.9, "coverage": None}}})
    shown = capsys.readouterr().out
    for text in ("a GPU", "5000", "900", "61 s, blessed", "0.900"):
        assert text in shown
