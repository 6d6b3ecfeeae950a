"""The dataset's settings."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from components.ingest.settings import DataSettings


def test_defaults_are_the_whole_of_mnist():
    assert DataSettings().model_dump() == {"dataset": "mnist", "train_split": "train", "eval_split": "test", "max_shared": 0.01}


@pytest.mark.parametrize("wrong", [{"dataset": "../etc"}, {"dataset": ""}, {"train_split": ""}, {"split": "train"}])
def test_wrong_settings_are_refused(wrong):
    with pytest.raises(ValidationError):
        DataSettings(**wrong)
