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
    "wrong",
    [
        {"dataset": "../etc"},
        {"dataset": ""},
        {"train_split": ""},
        {"split": "train"},
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
