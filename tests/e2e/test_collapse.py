"""A run on labelled colour images whose training goes wrong after two thirds of its steps: it pushes the best of it, and says so.

How it ends where the numbers break instead is in `tests/unit/gan/test_best.py`; unlabelled images are in `test_own_images.py`.
"""

import json
import subprocess
import sys

import numpy as np
import pytest

from components.gan.training.journal_files import DISTANCE, read_metrics
from components.gan.training.outcome import read_outcome
from serving.repository import contract
from serving.repository.layout import list_versions
from tests.e2e.conftest import FORGER, Session
from tests.support.prepared import drawn_shapes, prepare_images

DATASET, CLASSES = "drawn", ["disc", "square", "bar"]
SIZE, ASKED = 50, 32  # 50 pixels are no supported size: they are brought to the one that the setting names
TRAINING = {"gan__steps": 300, "gan__checkpoint_every": 40, "gan__sample_every": 100, "gan__looks": 3}
DATA = {"data__dataset": DATASET, "data__train_split": "train", "data__eval_split": "test", "data__image_size": ASKED}
FACTOR = "30"  # of the rates after step 200


def forger(home, *words: object, codes: tuple[int, ...] = (0,)) -> str:
    done = subprocess.run([FORGER, *map(str, words), "--home", str(home)], capture_output=True, text=True, check=False)
    assert done.returncode in codes, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def collapsed(tmp_path_factory) -> tuple[Session, str]:
    """The home of the run, and what the run said."""
    home = tmp_path_factory.mktemp("collapse") / "home"
    splits = {"train": drawn_shapes(300, SIZE, seed=1), "test": drawn_shapes(120, SIZE, seed=2)}
    prepare_images(home / "data", DATASET, splits, CLASSES)
    session = Session(home)
    _, *arguments = session.arguments(**TRAINING, **DATA, judge__min_accuracy=0.4)
    command = [sys.executable, "-m", "tests.support.collapsing", FACTOR, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=580, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return session, done.stdout


def test_the_best_is_pushed_and_every_page_says_so(collapsed):
    session, printed = collapsed
    run = session.status["last_run"]
    directory = session.home / run["training"]
    outcome = read_outcome(directory)
    assert outcome.step in (100, 200)
    assert outcome.last_distance > 2 * outcome.distance
    measured = {line["step"]: line[DISTANCE] for line in read_metrics(directory) if DISTANCE in line}
    assert outcome.distance == measured[outcome.step] == min(measured.values())
    said = f"exported the best average, of step {outcome.step} of 300"
    assert said in " ".join(printed.split())
    versions = session.home / "serving" / f"{DATASET}_gan"
    assert list_versions(versions) == [1]
    card = json.loads((versions / "1" / contract.METADATA_FILE).read_text())
    assert card[contract.META_OUTCOME] == outcome.as_dict() == session.status["training"]
    assert said in " ".join(forger(session.home, "status").split())
    report = (session.home / "reports" / run["run_id"] / "report.html").read_text()
    assert said in report
    assert f"exported is that of step {outcome.step}" in report
    # What is pushed varies as the best did, and does not draw one image again and again.
    diversity = card[contract.META_GATE]["figures"]["diversity"]
    assert diversity > 0.1


def test_few_colour_images_of_an_unsupported_size_are_trained_on_as_the_setting_says(collapsed):
    session, printed = collapsed
    assert "300 images are few: the discriminator sees each changed with probability 0.60" in printed
    card = json.loads((session.home / "serving" / f"{DATASET}_gan" / "1" / contract.METADATA_FILE).read_text())
    assert (card[contract.META_IMAGE_SHAPE], card[contract.META_CLASS_NAMES]) == ([ASKED, ASKED, 3], CLASSES)
    assert card[contract.META_INPUT].items() >= {"kind": "memory", "images": 300, "augment": 0.6}.items()


def test_what_is_pushed_draws_images_of_that_shape(collapsed, tmp_path):
    import tensorflow_datasets as tfds

    home = collapsed[0].home
    forger(home, "sample", "--dataset", DATASET, "--count", 7, "--out", tmp_path / "a.npy")
    images = np.load(tmp_path / "a.npy")
    assert (images.shape, images.dtype) == ((7, ASKED, ASKED, 3), np.uint8)
    # The yardstick takes an array of colour images.
    np.save(tmp_path / "own.npy", np.repeat(images, 20, axis=0))
    scored = forger(home, "evaluate", "--dataset", DATASET, "--samples", tmp_path / "own.npy", "--json", codes=(0, 1))
    assert json.loads(scored)["examples"] == 120
    forger(home, "generate", "--dataset", DATASET, "--count", 5, "--out", tmp_path / "shards")
    (example, *others) = tfds.builder_from_directory(tmp_path / "shards").as_dataset(split="train").as_numpy_iterator()
    assert (example["image"].shape, len(others)) == ((ASKED, ASKED, 3), 4)
