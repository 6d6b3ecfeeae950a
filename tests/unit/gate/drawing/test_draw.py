"""Generators that do everything wrong: each is named, none raises."""

import re
import subprocess
import sys

import numpy as np
import pytest

from components.gate.combiners.keys import content_keys
from components.gate.drawing.draw import draw
from components.gate.drawing.fault import Fault, fault_of
from components.gate.drawing.probe import probe_generator
from serving.repository import contract
from tests.support.faulty_generator import save_faulty
from tests.support.shapes import GREY_28
from tests.support.tiny_generator import build_tiny_generator

SEEDS, LABELS = np.arange(6), np.arange(6) % 3


@pytest.mark.parametrize(
    ("fault", "expected", "words"),
    [
        ("throws", Fault.EXCEPTION, "out of ideas"),
        ("shape", Fault.WRONG_IMAGES, r"uint8 \[16, 14, 28, 1\]"),
        ("rows", Fault.WRONG_IMAGES, r"uint8 \[1, 28, 28, 1\]"),
        ("dtype", Fault.WRONG_IMAGES, "float32"),
        ("labels", Fault.WRONG_LABELS, "neither the labels asked for"),
        ("output", Fault.WRONG_OUTPUTS, "outputs: label, picture"),
        ("unlabelled", Fault.WRONG_OUTPUTS, "lacks the output"),
    ],
)
def test_a_faulty_sample_is_named(tmp_path, fault, expected, words):
    path = save_faulty(tmp_path, fault)
    drawn = draw(path, SEEDS, LABELS, shape=GREY_28)
    assert drawn.fault is expected
    assert drawn.images.shape == (6, *GREY_28)
    assert re.search(words, probe_generator(path, 3, shape=GREY_28).problem)


@pytest.mark.parametrize(
    ("fault", "words"),
    [("nan", "not finite numbers"), ("signature", "no signature 'sample'"), ("constant", "the same image for every one")],
)
def test_the_probe_sees_more_than_pixels(tmp_path, fault, words):
    assert words in probe_generator(save_faulty(tmp_path, fault), 3, shape=GREY_28).problem


def test_a_generator_that_hangs_is_left_behind_and_not_asked_again(tmp_path):
    # In a process of its own, which ends with the loop still turning: that must not keep a run from ending either.
    path = save_faulty(tmp_path, "hangs")
    code = (
        "import numpy as np\n"
        "from components.gate.drawing.draw import draw\n"
        "from components.gate.drawing.probe import probe_generator\n"
        f"print(probe_generator({path!r}, 3, 0.5, shape=(28, 28, 1)).problem)\n"
        f"print(draw({path!r}, np.arange(6), np.arange(6) % 3, 1e9, shape=(28, 28, 1)).fault.name, flush=True)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert "does not answer in time: no answer within 0.5 s" in done.stdout
    assert "HANGS" in done.stdout


def test_a_directory_without_a_model_is_named(tmp_path):
    assert "cannot be loaded" in probe_generator(str(tmp_path / "nothing"), 3, shape=GREY_28).problem
    assert draw(str(tmp_path / "nothing"), SEEDS, LABELS, shape=GREY_28).fault is Fault.EXCEPTION


@pytest.mark.parametrize("conditional", [True, False])
def test_a_good_generator_passes(tmp_path, conditional):
    path = str(build_tiny_generator(tmp_path, num_classes=3, conditional=conditional))
    probe = probe_generator(path, 3, shape=GREY_28)
    assert (probe.problem, probe.conditional) == ("", conditional)
    drawn = draw(path, SEEDS, LABELS, shape=GREY_28)
    assert drawn.fault is Fault.NONE
    assert drawn.answered.tolist() == (LABELS.tolist() if conditional else [-1] * 6)
    alone = draw(path, SEEDS[3:4], LABELS[3:4], shape=GREY_28)
    np.testing.assert_array_equal(alone.images[0], drawn.images[3])


def test_an_answer_is_held_to_the_contract():
    images = np.zeros((6, *GREY_28), np.uint8)
    assert fault_of(images, LABELS, LABELS, GREY_28) is Fault.NONE
    assert fault_of(images, np.full(6, contract.ANY_LABEL), LABELS, GREY_28) is Fault.NONE
    assert fault_of(images[:5], LABELS[:5], LABELS, GREY_28) is Fault.WRONG_IMAGES
    assert fault_of(images.astype(np.float32), LABELS, LABELS, GREY_28) is Fault.WRONG_IMAGES
    assert fault_of(images, LABELS[:5], LABELS, GREY_28) is Fault.WRONG_LABELS
    assert fault_of(images, np.where(LABELS == 0, contract.ANY_LABEL, LABELS), LABELS, GREY_28) is Fault.WRONG_LABELS


def test_keys_follow_content():
    images = np.random.default_rng(0).integers(0, 256, (50, 28, 28, 1)).astype(np.uint8)
    keys = content_keys(images)
    assert keys.dtype == np.int64
    assert (keys >= 0).all()
    assert len(set(keys)) == 50
    np.testing.assert_array_equal(content_keys(images[::-1]), keys[::-1])
