"""Bounds of the settings."""

import pytest
from pydantic import ValidationError

from components.push.settings import PushSettings


def test_defaults():
    assert PushSettings().model_dump() == {"keep_versions": 5, "canary": False, "infra_timeout_s": 120}


@pytest.mark.parametrize("wrong", [{"keep_versions": 0}, {"infra_timeout_s": 1}, {"keep": 3}])
def test_out_of_range_or_unknown(wrong):
    with pytest.raises(ValidationError):
        PushSettings(**wrong)
