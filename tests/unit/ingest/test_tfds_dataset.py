"""Which of TFDS's own datasets are taken, and which of their features, by their registered descriptions: nothing is fetched."""

from __future__ import annotations

import pytest

from components.ingest.settings import DataSettings
from components.ingest.tfds_dataset import open_builder
from serving.repository.errors import UserError


@pytest.mark.parametrize(
    ("dataset", "classes"),
    [("mnist", 10), ("fashion_mnist", 10), ("kmnist", 10), ("emnist/letters", 37), ("emnist/balanced", 47), ("cifar10", 10)],
)
def test_datasets_with_and_without_a_configuration_are_opened(dataset, classes, tmp_path):
    builder, fields = open_builder(DataSettings(dataset=dataset), tmp_path)
    assert builder.info.full_name.startswith(f"{dataset}/")
    assert (fields.image_key, fields.label_key, len(fields.class_names)) == ("image", "label", classes)
    assert builder.url_infos


@pytest.mark.parametrize(
    ("settings", "image", "label", "classes"),
    [
        ({"dataset": "binarized_mnist"}, "image", None, 0),
        ({"dataset": "cifar100"}, "image", "label", 100),
        ({"dataset": "cifar100", "label_key": "coarse_label"}, "image", "coarse_label", 20),
        ({"dataset": "mnist", "label_key": "none"}, "image", None, 0),
        ({"dataset": "oxford_flowers102"}, "image", "label", 102),  # images of many sizes, and a feature more
    ],
)
def test_features_are_found_or_named(settings, image, label, classes, tmp_path):
    _, fields = open_builder(DataSettings(**settings), tmp_path)
    assert (fields.image_key, fields.label_key, len(fields.class_names)) == (image, label, classes)


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"dataset": "emnist/letter"}, "TFDS has no dataset 'emnist/letter'"),
        ({"dataset": "iris"}, "iris has no image feature"),
        ({"label_key": "digit"}, "data.label_key=digit: in mnist it isn't there; of that kind it has label"),
        ({"label_key": "image"}, "data.label_key=image: in mnist it is no class feature"),
        ({"dataset": "dsprites", "label_key": None}, "several class features: choose one with --set data.label_key=NAME"),
        ({"module": "no_such_package.digits"}, "data.module=no_such_package.digits can't be imported"),
    ],
)
def test_what_does_not_exist_or_fit_is_refused_in_one_line(settings, line, tmp_path):
    with pytest.raises(UserError, match=line) as refused:
        open_builder(DataSettings(**settings), tmp_path)
    assert "\n" not in str(refused.value)
