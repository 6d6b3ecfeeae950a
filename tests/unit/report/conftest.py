"""What the report's tests share."""

from __future__ import annotations

import pytest

from tests.support.past_home import PastHome


@pytest.fixture
def past(tmp_path):
    return PastHome(tmp_path / "home")
