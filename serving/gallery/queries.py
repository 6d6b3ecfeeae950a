"""What a visitor may ask for, read from a URL's query and checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from serving.repository import contract

MAX_IMAGES = 100
MAX_STEPS = 65
MAX_PIXELS = 2**25  # of a PNG file; the page's own sheet of 100 images of 128x128 has 27 million
_MAX_SCALE = 16
_MAX_INT64 = 2**63 - 1


class BadQuery(ValueError):
    """One clear line that names the parameter."""


@dataclass(frozen=True)
class Query:
    """What every draw needs.

    Attributes:
        version: The model version, None for the one that the page shows first.
        label: The class, `contract.ANY_LABEL` for any.
    """

    version: int | None
    label: int


@dataclass(frozen=True)
class PictureQuery(Query):
    """Images of consecutive seeds.

    Attributes:
        seed: Seed of the first image; the others count up from it.
        count: How many images.
        scale: Pixels that a pixel becomes on each side, in PNG files.
    """

    seed: int
    count: int
    scale: int

    @classmethod
    def read(cls, query: Mapping[str, str]) -> PictureQuery:
        """Read `version`, `label`, `seed`, `count` and `scale`.

        Raises:
            BadQuery: A value that is no integer or out of its range.
        """
        count = _integer(query, "count", 1, 1, MAX_IMAGES)
        seed = _integer(query, "seed", 0, -_MAX_INT64 - 1, _MAX_INT64 - count + 1)
        return cls(*_common(query), seed=seed, count=count, scale=_integer(query, "scale", 1, 1, _MAX_SCALE))

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Width and height of a PNG file, from those before the scale.

        Raises:
            BadQuery: More pixels than a file may have.
        """
        width, height = width * self.scale, height * self.scale
        if width * height > MAX_PIXELS:
            raise BadQuery(
                f"the picture would have {width} x {height} pixels, more than {MAX_PIXELS}: ask for a smaller scale or count"
            )
        return width, height

    @property
    def name(self) -> str:
        """For a file: the class and the seeds."""
        seeds = f"seed{self.seed}" if self.count == 1 else f"seeds{self.seed}to{self.seed + self.count - 1}"
        return seeds if self.label == contract.ANY_LABEL else f"class{self.label}-{seeds}"


@dataclass(frozen=True)
class PathQuery(Query):
    """Images on the way from one seed to another.

    Attributes:
        start: Seed of the first image.
        end: Seed of the last.
        steps: How many images, both ends included.
    """

    start: int
    end: int
    steps: int

    @classmethod
    def read(cls, query: Mapping[str, str]) -> PathQuery:
        """Read `version`, `label`, `from`, `to` and `steps`.

        Raises:
            BadQuery: A value that is no integer or out of its range.
        """
        start, end = (_integer(query, key, number, -_MAX_INT64 - 1, _MAX_INT64) for number, key in enumerate(("from", "to")))
        return cls(*_common(query), start=start, end=end, steps=_integer(query, "steps", 33, 2, MAX_STEPS))


def _common(query: Mapping[str, str]) -> tuple[int | None, int]:
    version = _integer(query, "version", 1, 1, _MAX_INT64) if "version" in query else None
    # Whether the model has that class is the model's to say.
    return version, _integer(query, "label", contract.ANY_LABEL, contract.ANY_LABEL, _MAX_INT64)


def _integer(query: Mapping[str, str], key: str, default: int, low: int, high: int) -> int:
    text = query.get(key, str(default))
    sign, digits = text[:1] == "-", text.removeprefix("-")
    # Not int(): it takes " 1_0 ", other scripts' digits and thousands of them.
    if (
        not (digits.isascii() and digits.isdecimal() and len(digits) <= 19)
        or not low <= (number := -int(digits) if sign else int(digits)) <= high
    ):
        raise BadQuery(f"{key} must be a whole number from {low} to {high}")
    return number
