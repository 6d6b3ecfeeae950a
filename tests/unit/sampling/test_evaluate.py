"""`forger evaluate`: the gate's figures for a model and for arrays, and one clear line for what can't be scored."""

import json
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
from click.testing import CliRunner

from components.gate.settings import GateSettings
from components.gate.verdict.verdict import FAULTY, Verdict
from components.judge.features import load_record
from pipeline.cli import cli
from pipeline.home.home import Home
from pipeline.home.run_record import RunRecord
from pipeline.sampling.candidate import Unfit, open_server
from pipeline.sampling.evaluate import Yardstick, from_array
from serving.client import GeneratorClient, ModelMetadata, Signature, TensorInfo
from serving.repository.errors import UserError
from tests.support.faulty_generator import save_faulty
from tests.support.gate_builders import digits, save_calibration, save_examples, save_judge, tiny_judge
from tests.support.shapes import GREY_28
from tests.support.tiny_generator import build_tiny_generator

NAMES = [str(label) for label in range(10)]


@pytest.fixture(scope="module")
def home(mnist, tmp_path_factory):
    """A home as a run leaves it, as far as an evaluation looks: a record, the judge and the held-out examples."""
    place = Home.at(tmp_path_factory.mktemp("evaluate") / "home")
    place.open()
    train = digits(mnist.directory, "train[:3000]")
    judge = save_judge(place.path / "judge", tiny_judge(mnist.directory), *train)
    calibration = save_calibration(place.path / "calibration", judge, *train)
    images, labels = digits(mnist.directory, "test[:1000]")
    examples = save_examples(place.path / "examples", images[:600], labels[:600])
    train = save_examples(place.path / "train", *digits(mnist.directory, "train[:600]"))
    (train / "Split-test").rename(examples / "Split-train")
    verdict = Verdict(
        blessed=True,
        reason="",
        class_names=NAMES,
        examples_path=str(examples),
        judge={"path": str(judge), "digest": load_record(judge)["digest"]},
        calibration={"path": str(calibration)},
    )
    config = {
        "data": {"dataset": "mnist"},
        # A tiny judge and 60 images a class, not of the real images' classes one by one, are far noisier than a real run.
        "gate": GateSettings(
            max_frechet_ratio=60.0,
            max_class_frechet_ratio=100.0,
            max_second_frechet_ratio=60.0,
            max_class_second_frechet_ratio=100.0,
            min_class_diversity=0.3,
            min_class_recall=0.3,
            min_label_agreement=0.85,
        ).model_dump(),
        "usefulness": {"images": 300, "test_images": 200, "steps": 60, "batch_size": 32, "max_two_sample_accuracy": 0.9},
    }
    RunRecord(
        run_id="1", state="blessed", started="", profile="smoke", config=config, pipeline_digest="", training_key="",
        verdict=verdict.model_dump(mode="json"),
    ).save(place.runs)  # fmt: skip
    return place


def run(home, *arguments):
    return CliRunner().invoke(cli, ["evaluate", "--home", str(home.path), *map(str, arguments)])


def test_real_images_pass_and_noise_does_not(home, mnist, tmp_path):
    images, labels = digits(mnist.directory, "test[1000:4000]")
    np.save(tmp_path / "real.npy", images[:600, :, :, 0])
    np.save(tmp_path / "labels.npy", labels[:600])
    passed = run(home, "--samples", tmp_path / "real.npy", "--labels", tmp_path / "labels.npy", "--json")
    assert passed.exit_code == 0, passed.output
    verdict = Verdict.model_validate_json(passed.stdout)
    assert verdict.examples == 600
    assert verdict.figures["frechet_ratio"] < 10  # not paired by class, as the gate's own draws are
    assert verdict.figures["label_agreement"] > 0.85
    assert len([check for check in verdict.checks if check.metric == "frechet_ratio" and check.slice]) == 10
    np.save(tmp_path / "noise.npy", np.random.default_rng(0).integers(0, 256, (300, 28, 28)).astype(np.uint8))
    refused = run(home, "--samples", tmp_path / "noise.npy")
    assert refused.exit_code == 1
    assert "300 images against as many real ones" in refused.output
    assert "refused by the gate" in refused.output


def test_images_in_another_order_are_judged_as_the_gates_own(home, mnist):
    """KID looks at blocks of rows: images sorted by class would have three times its noise."""
    yardstick = Yardstick.of(home, "mnist", 300)
    images, labels = digits(mnist.directory, "test[1000:4000]")
    own = np.concatenate([np.flatnonzero(labels == label)[: (yardstick.labels == label).sum()] for label in range(10)])
    drawn, answered = images[own], labels[own]
    beside = np.argsort(np.argsort(yardstick.labels, kind="stable"), kind="stable")
    assert (answered[beside] == yardstick.labels).all()
    assert yardstick.judge(drawn, answered).figures == yardstick.judge(drawn[beside], answered[beside]).figures


def test_a_model_is_drawn_from_with_the_gates_own_seeds(home, tmp_path):
    build_tiny_generator(tmp_path / "1")
    found = run(home, "--model", tmp_path, "--count", 200, "--json")
    assert found.exit_code == 1
    assert json.loads(found.stdout)["examples"] == 200


def test_without_a_name_it_is_the_stable_version_that_is_scored(home):
    nothing = run(home)
    assert nothing.exit_code == 2
    assert "no model version in" in nothing.output
    build_tiny_generator(home.model_base("mnist") / "1")
    try:
        stable, named = (run(home, "--count", 200, "--json", *more) for more in ([], ["--model", home.model_base("mnist") / "1"]))
    finally:
        shutil.rmtree(home.model_base("mnist"))
    assert stable.exit_code == named.exit_code == 1
    assert json.loads(stable.stdout)["figures"] == json.loads(named.stdout)["figures"]


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros((200, 28, 28), np.float32), r"float32 \[200, 28, 28\]: save uint8"),
        (np.zeros((200, 14, 14), np.uint8), r"uint8 \[200, 14, 14\]"),
        (np.zeros((5, 28, 28), np.uint8), "5 images, too few"),
        (np.array([{}], object), "no NumPy array"),
    ],
)
def test_arrays_that_cannot_be_scored(home, tmp_path, array, words):
    np.save(tmp_path / "a.npy", array, allow_pickle=True)
    with pytest.raises(UserError, match=words):
        from_array(tmp_path / "a.npy", None, Yardstick.of(home, "mnist", None))


@pytest.mark.parametrize(("labels", "words"), [(np.zeros(3, np.int64), "one integer for each"), (np.full(200, 10), "knows 0..9")])
def test_labels_that_do_not_fit(home, tmp_path, labels, words):
    np.save(tmp_path / "a.npy", np.zeros((200, 28, 28), np.uint8))
    np.save(tmp_path / "l.npy", labels)
    with pytest.raises(UserError, match=words):
        from_array(tmp_path / "a.npy", tmp_path / "l.npy", Yardstick.of(home, "mnist", None))


def test_a_home_without_a_judge_and_too_few_images(home, tmp_path):
    with pytest.raises(UserError, match="has a judge of mnist"):
        Yardstick.of(Home.at(tmp_path / "empty"), "mnist", None)
    with pytest.raises(UserError, match="has a judge of kmnist"):
        Yardstick.of(home, "kmnist", None)
    with pytest.raises(UserError, match="9 images are too few"):
        Yardstick.of(home, "mnist", 9)


def test_thorough_measures_usefulness_too(home, mnist, tmp_path):
    images, labels = digits(mnist.directory, "test[1000:4000]")
    np.save(tmp_path / "real.npy", images[:600])
    np.save(tmp_path / "labels.npy", labels[:600])
    arrays = ("--samples", tmp_path / "real.npy", "--labels", tmp_path / "labels.npy")
    found = run(home, *arrays, "--thorough")
    assert found.exit_code == 0, found.output
    assert "usefulness: a classifier trained on 300 generated images is right on" in found.stdout
    assert "two-sample test: a network tells generated from real images in" in found.stdout
    unlabelled = json.loads(run(home, *arrays[:2], "--thorough", "--json").stdout)["usefulness"]
    assert unlabelled["training"] is None
    assert "the generator has no classes" in unlabelled["left_out"]
    assert "usefulness" not in json.loads(run(home, *arrays, "--json").stdout)


def test_a_missed_limit_of_usefulness_refuses(home, tmp_path):
    build_tiny_generator(tmp_path / "1")
    found = run(home, "--model", tmp_path, "--thorough")
    assert found.exit_code == 1
    assert "refused: not useful enough: a network tells generated from real images in" in found.stdout


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("nan", "values that are not finite numbers"),
        ("rows", r"does not answer uint8 images of the data's shape: uint8 \[1, 28, 28, 1\]"),
        ("unlabelled", "lacks the output 'image' or 'label': outputs: image"),
        ("signature", "it has no signature 'sample'"),
        ("throws", "out of ideas"),
        ("labels", "neither the labels asked for nor -1"),
    ],
)
def test_a_faulty_model_is_refused_in_one_clear_line(home, tmp_path, fault, words):
    found = run(home, "--model", save_faulty(tmp_path / "model", fault))
    assert found.exit_code == 1
    (line,) = found.stdout.splitlines()
    assert re.match(f"refused by the gate: the generator cannot be judged: .*{words}", line)
    told = run(home, "--model", tmp_path / "model", "--json")
    verdict = Verdict.model_validate_json(told.stdout)
    assert (told.exit_code, verdict.blessed, verdict.causes) == (1, False, [FAULTY])


def test_a_fault_that_the_first_rows_do_not_show_is_named_too(home, tmp_path):
    found = run(home, "--model", save_faulty(tmp_path / "model", "late"))
    assert found.exit_code == 1
    assert "cannot be judged: its signature 'sample' fails: " in found.stdout


def test_the_command_leaves_a_model_that_hangs(home, tmp_path):
    # A process of its own: TensorFlow's thread turns on, and must not keep the command from ending.
    path = save_faulty(tmp_path / "model", "hangs")
    command = [sys.executable, "-m", "pipeline.cli", "evaluate", "--home", str(home.path), "--model", path, "--timeout", "2"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout.splitlines() == [
        "refused by the gate: the generator cannot be judged: its signature 'sample' does not answer in time: "
        "no answer within 2 s"
    ]
    assert done.returncode == 1


@pytest.mark.parametrize("directory", ["nothing", "damaged"])
def test_a_directory_without_a_whole_model_is_one_line(home, tmp_path, directory):
    build_tiny_generator(tmp_path / "damaged" / "1")
    (tmp_path / "damaged" / "1" / "saved_model.pb").write_bytes(b"cut")
    found = run(home, "--model", tmp_path / directory)
    assert found.exit_code == 2
    (line,) = found.stderr.splitlines()
    assert str(tmp_path / directory) in line


class _Server:
    """Answers what a client of a faulty server would hand on."""

    def __init__(self, *, short=0, value=0.0, constant=False, labels=None):
        self._short, self._value, self._constant, self._labels = short, value, constant, labels

    def metadata(self):
        latent = TensorInfo("float32", (None, 4))
        return ModelMetadata("tiny", 1, {"serving_default": Signature({"latent": latent}, {}), "sample": Signature({}, {})})

    def sample(self, seeds, labels):
        rows = len(seeds) - self._short
        images = np.random.default_rng(0).integers(0, 256, (rows, 28, 28, 1)).astype(np.uint8)
        return images * (not self._constant), labels[:rows] if self._labels is None else np.full(rows, self._labels)

    def sample_latent(self, latents, labels):
        return np.full((len(latents), 28, 28, 1), self._value, np.float32)


@pytest.mark.parametrize(
    ("server", "words"),
    [
        (_Server(short=1), r"does not answer uint8 images of the data's shape: uint8 \[15, 28, 28, 1\]"),
        (_Server(value=np.nan), "not finite numbers"),
        (_Server(constant=True), "the same image for every one of 16 seeds"),
        (_Server(labels=3), "neither the labels asked for"),
    ],
)
def test_a_served_generator_gets_the_same_first_look(server, words):
    with pytest.raises(Unfit, match=words):
        open_server(server, 10, GREY_28)


def test_a_sound_served_generator_is_drawn_from(home, start, base):
    yardstick = Yardstick.of(home, "mnist", 200)
    with GeneratorClient(start(base).target, "tiny", 30) as client:
        images, answered = yardstick.draw(open_server(client, 10, GREY_28))
    assert images.shape == (200, 28, 28, 1)
    assert (answered == yardstick.labels).all()
