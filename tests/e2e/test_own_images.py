"""The whole pipeline on a folder of unlabelled images, as a user runs it."""

import json
import os
import subprocess

import numpy as np

from pipeline.nodes import EXAMPLE_GEN, GAN_TRAINER, JUDGE_TRAINER, TRANSFORM
from serving.repository import contract
from tests.e2e.conftest import FORGER, Session
from tests.support.image_folders import write_flat


def forger(home, *words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([FORGER, *map(str, words), "--home", str(home)], capture_output=True, text=True, check=False)


def test_a_folder_of_unlabelled_images_ends_in_a_served_generator(tmp_path):
    home, folder = tmp_path / "home", tmp_path / "my [own] pictures"
    write_flat(folder / "train", 300)
    write_flat(folder / "test", 120, first=300)
    (folder / "test" / "notes.txt").touch()

    seen = forger(home, "data", "fetch", "--data", folder, "--json")
    assert seen.returncode == 0, seen.stderr
    facts = json.loads(seen.stdout)
    assert (facts["labelled"], facts["image_shape"], facts["changes"]) == (False, [32, 32, 3], {})

    session = Session(home)
    changes = {"gan__steps": 100, "data__train_split": "train[:6000]", "data__eval_split": "test"}
    done = session.run("--data", str(folder), **changes)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "folder/my_own_pictures, 300 train, 120 test images, unlabelled, 32x32x3: none is changed" in done.stdout
    assert "unlabelled images: the judge tells which way up" in done.stdout
    metadata = json.loads((home / "serving/folder_my_own_pictures_gan/1" / contract.METADATA_FILE).read_text())
    assert (metadata[contract.META_CLASS_NAMES], metadata[contract.META_CONDITIONAL]) == ([], False)

    out, labels = tmp_path / "a.npy", tmp_path / "labels.npy"
    drawn = forger(home, "sample", "--dataset", "folder/my_own_pictures", "--count", 5, "--out", out, "--labels-out", labels)
    assert drawn.returncode == 0, drawn.stderr
    assert (np.load(out).shape, np.load(labels).tolist()) == ((5, 32, 32, 3), [-1] * 5)
    page = next((home / "reports").glob("*/report.html")).read_text()
    assert "The images are unlabelled" in page
    assert "class 0" not in page

    for path in folder.rglob("*.png"):
        os.utime(path, (0, 0))
    again = session.run("--data", str(folder), **changes)
    assert again.returncode == 0, again.stdout + again.stderr
    assert {session.outcomes[node] for node in (EXAMPLE_GEN, TRANSFORM, JUDGE_TRAINER, GAN_TRAINER)} == {"cached"}
