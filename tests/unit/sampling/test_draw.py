"""Which class `forger sample` draws: by its number, or by the name that the dataset gives it."""

import json

import numpy as np
import pytest

from pipeline.sampling.draw import draw
from serving.repository import contract
from serving.repository.errors import UserError
from serving.saved_model.generator import LocalGenerator
from tests.support.tiny_generator import build_tiny_generator


@pytest.fixture(scope="module")
def generator(tmp_path_factory) -> LocalGenerator:
    directory = build_tiny_generator(tmp_path_factory.mktemp("model"), num_classes=3)
    card = directory / contract.METADATA_FILE
    card.write_text(json.dumps({**json.loads(card.read_text()), contract.META_CLASS_NAMES: ["coat", "ankle boot", "bag"]}))
    return LocalGenerator(directory)


def labels_drawn(generator, tmp_path, label):
    how = {
        "count": 4,
        "seed": 1,
        "first_row": 0,
        "last_seed": None,
        "out": tmp_path / "drawn.npy",
        "labels_out": tmp_path / "labels.npy",
    }
    draw(generator, "here", label=label, **how)
    return np.load(tmp_path / "labels.npy").tolist()


@pytest.mark.parametrize(("label", "number"), [("0", 0), ("2", 2), ("ankle boot", 1), ("bag", 2)])
def test_a_class_by_number_or_name(generator, label, number, tmp_path):
    assert labels_drawn(generator, tmp_path, label) == [number] * 4


@pytest.mark.parametrize(
    ("label", "line"), [("3", r"no class 3: .* knows 0\.\.2"), ("sock", "knows coat, ankle boot, bag"), ("-1", "no class '-1'")]
)
def test_a_class_that_is_not_there(generator, label, line, tmp_path):
    with pytest.raises(UserError, match=line):
        labels_drawn(generator, tmp_path, label)


def test_unlabelled_images_have_no_class(tmp_path):
    directory = build_tiny_generator(tmp_path / "model", num_classes=1, conditional=False)
    card = directory / contract.METADATA_FILE
    card.write_text(json.dumps({**json.loads(card.read_text()), contract.META_CLASS_NAMES: []}))
    unlabelled = LocalGenerator(directory)
    assert labels_drawn(unlabelled, tmp_path, None) == [-1] * 4
    for label in ("0", "coat"):
        with pytest.raises(UserError, match="has no classes, its images are unlabelled: leave --label out"):
            labels_drawn(unlabelled, tmp_path, label)


def test_a_server_knows_no_names(generator, tmp_path):
    class Server:
        sample = generator.sample

    assert labels_drawn(Server(), tmp_path, "1") == [1] * 4
    with pytest.raises(UserError, match="a server knows its classes by number only"):
        labels_drawn(Server(), tmp_path, "coat")
