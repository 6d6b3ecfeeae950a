"""The whole pipeline on labelled images of another shape: colour, 48 pixels, from few images."""

import json
import subprocess

import numpy as np

from serving.repository import contract
from tests.e2e.conftest import FORGER, Session
from tests.support.prepared import drawn_shapes, prepare_images

CLASSES = ["disc", "square", "bar"]


def forger(home, *words: object) -> str:
    done = subprocess.run([FORGER, *map(str, words), "--home", str(home)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_run_ends_with_a_generator_of_the_shape_asked_for(tmp_path):
    """90 pixels are no supported size: they are brought to the one that the setting names. 100 steps see each image 21 times.

    Images that keep their own shape, 32x32x3, are in `test_own_images`.
    """
    size, asked = 90, 48
    home, wanted = tmp_path / "home", [asked, asked, 3]
    splits = {"train": drawn_shapes(300, size, seed=1), "test": drawn_shapes(120, size, seed=2)}
    prepare_images(home / "data", "drawn", splits, CLASSES)
    changes = {"data__dataset": "drawn", "data__train_split": "train", "data__eval_split": "test", "judge__min_accuracy": 0.4}
    done = Session(home).run(gan__steps=100, data__image_size=asked, **changes)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "300 images are few: the discriminator sees each changed with probability 0.60" in done.stdout
    version = home / "serving" / "drawn_gan" / "1"
    metadata = json.loads((version / contract.METADATA_FILE).read_text())
    assert metadata[contract.META_IMAGE_SHAPE] == wanted
    assert metadata[contract.META_INPUT].items() >= {"kind": "memory", "images": 300, "augment": 0.6}.items()

    forger(home, "sample", "--dataset", "drawn", "--count", 7, "--out", tmp_path / "a.npy")
    images = np.load(tmp_path / "a.npy")
    assert (images.shape, images.dtype) == ((7, *wanted), np.uint8)
    # The yardstick takes an array of colour images, and refuses grey ones in one line.
    np.save(tmp_path / "own.npy", np.repeat(images, 20, axis=0))
    scored = subprocess.run(
        [FORGER, "evaluate", "--dataset", "drawn", "--samples", str(tmp_path / "own.npy"), "--home", str(home), "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert scored.returncode in (0, 1), scored.stderr
    assert json.loads(scored.stdout)["examples"] == 120
    forger(home, "generate", "--dataset", "drawn", "--count", 5, "--out", tmp_path / "shards")
    import tensorflow_datasets as tfds

    (example, *others) = tfds.builder_from_directory(tmp_path / "shards").as_dataset(split="train").as_numpy_iterator()
    assert (example["image"].shape, len(others)) == (tuple(wanted), 4)
