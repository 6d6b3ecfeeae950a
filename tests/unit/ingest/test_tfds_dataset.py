"""Which of TFDS's own datasets are taken, by their registered descriptions: nothing is fetched."""

from __future__ import annotations

import pytest

from components.ingest.tfds_dataset import open_builder
from serving.repository.errors import UserError


@pytest.mark.parametrize(
    ("dataset", "classes"),
    [("mnist", 10), ("fashion_mnist", 10), ("kmnist", 10), ("emnist/letters", 37), ("emnist/balanced", 47)],
)
def test_datasets_with_and_without_a_configuration_are_opened(dataset, classes, tmp_path):
    builder = open_builder(dataset, tmp_path)
    assert builder.info.full_name.startswith(f"{dataset}/")
    assert builder.info.features["label"].num_classes == classes
    assert builder.url_infos


@pytest.mark.parametrize(("dataset", "line"), [("emnist/letter", "TFDS has no dataset 'emnist/letter'"), ("cifar10", "28x28x1")])
def test_what_does_not_exist_or_fit_is_refused_in_one_line(dataset, line, tmp_path):
    with pytest.raises(UserError, match=line) as refused:
        open_builder(dataset, tmp_path)
    assert "\n" not in str(refused.value)
