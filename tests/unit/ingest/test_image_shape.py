"""The decision on the shape of a run's images."""

from __future__ import annotations

import pytest

from components.ingest.image_shape import decide_shape
from components.shape import ImageShape
from serving.repository.errors import UserError


@pytest.mark.parametrize(
    ("found", "decided"),
    [
        ({(28, 28, 1): 70_000}, (28, 28, 1)),
        ({(32, 32, 3): 60_000}, (32, 32, 3)),
        ({(128, 128, 3): 1}, (128, 128, 3)),
        ({(30, 30, 1): 5}, (28, 28, 1)),  # 32 is as near, but would invent pixels
        ({(31, 31, 1): 5}, (32, 32, 1)),
        ({(480, 640, 3): 5}, (128, 128, 3)),
        ({(64, 200, 4): 5}, (64, 64, 3)),
        ({(64, 64, 2): 5}, (64, 64, 1)),
        ({(64, 64, 1): 999, (64, 64, 3): 1}, (64, 64, 3)),
        ({(32, 40, 3): 2, (100, 64, 3): 4, (10, 10, 3): 1}, (64, 64, 3)),
        ({(32, 32, 3): 2, (64, 64, 1): 0}, (32, 32, 3)),
    ],
)
def test_shape_is_the_datas_own_or_the_nearest_supported(found: dict, decided: tuple) -> None:
    assert decide_shape({ImageShape(*shape): count for shape, count in found.items()}, None, None) == decided


def test_settings_win_over_the_data() -> None:
    assert decide_shape({ImageShape(9, 9, 3): 1}, 16, 1) == ImageShape(16, 16, 1)
    assert decide_shape({ImageShape(64, 64, 1): 1}, None, 3) == ImageShape(64, 64, 3)


@pytest.mark.parametrize(
    ("found", "size", "channels", "message"),
    [
        ({}, None, None, "no images"),
        ({(64, 64, 1): 0}, None, None, "no images"),
        ({(15, 90, 3): 2}, None, None, r"only 15 pixels.*data.image_size=16"),
        ({(64, 64, 1): 1}, 30, None, r"data.image_size=30 .*multiple of 4 from 16 to 128"),
        ({(64, 64, 1): 1}, 132, None, "data.image_size=132"),
        ({(64, 64, 1): 1}, None, 2, "data.channels=2"),
    ],
)
def test_what_cannot_be_supported_is_said(found: dict, size: int | None, channels: int | None, message: str) -> None:
    with pytest.raises(UserError, match=message):
        decide_shape({ImageShape(*shape): count for shape, count in found.items()}, size, channels)


def test_shape_reads_as_people_write_it() -> None:
    assert (str(ImageShape(28, 28, 1)), ImageShape(32, 32, 3).bytes) == ("28x28x1", 3072)
