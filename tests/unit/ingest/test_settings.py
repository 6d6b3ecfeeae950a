"""The dataset's settings."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from components.ingest.settings import DataSettings


def test_defaults_are_the_whole_of_mnist():
    settings = DataSettings()
    assert (settings.dataset, settings.train_split, settings.eval_split) == ("mnist", "train", "test")
    assert (settings.image_size, settings.channels) == (None, None)


@pytest.mark.parametrize(
    ("folder", "dataset"),
    [
        ("/pictures/flowers", "folder/flowers"),
        ("/pictures/My [best] Flowers!", "folder/my_best_flowers"),
        ("/pictures/Ünïcode.2", "folder/unicode_2"),
        ("/pictures/猫の写真", "folder/images_d4e6e153"),
    ],
)
def test_a_folder_names_its_dataset(folder, dataset):
    settings = DataSettings(folder=folder)
    assert (settings.dataset, settings.folder) == (dataset, folder)
    assert DataSettings(**settings.model_dump()) == settings
    assert DataSettings(folder=folder, dataset="folder/other").dataset == "folder/other"


def test_a_relative_folder_is_made_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert DataSettings(folder="flowers").folder == str(tmp_path / "flowers")


def test_a_relative_data_dir_is_made_absolute(tmp_path, monkeypatch):
    """Else two directories that are called the same from two places would pass for one."""
    monkeypatch.chdir(tmp_path)
    data = DataSettings(data_dir="prepared")
    assert data.data_dir == str(tmp_path / "prepared")
    assert DataSettings(**data.model_dump()) == data
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    assert DataSettings(data_dir="~/prepared").data_dir == str(tmp_path / "me" / "prepared")


def test_a_module_names_its_dataset():
    assert DataSettings(module="my_package.my_dataset").dataset == "my_dataset"


@pytest.mark.parametrize(
    "wrong",
    [
        {"dataset": "../etc"},
        {"dataset": ""},
        {"train_split": ""},
        {"split": "train"},
        {"folder": "/pictures/flowers", "dataset": "flowers"},
        {"dataset": "folder/flowers"},
        {"folder": "/pictures", "module": "my_dataset"},
        {"folder": ""},
        {"data_dir": ""},
        {"module": "../evil"},
        {"image_size": 12},
        {"image_size": 30},
        {"image_size": 132},
        {"channels": 2},
        {"background": "white"},
    ],
)
def test_wrong_settings_are_refused(wrong):
    with pytest.raises(ValidationError):
        DataSettings(**wrong)
