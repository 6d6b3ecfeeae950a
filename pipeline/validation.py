"""What pydantic says of a user's settings, in one line."""

from __future__ import annotations

from collections.abc import Callable

from pydantic import ValidationError

from serving.repository.errors import UserError


def refusal(error: ValidationError, named: Callable[[str], str] = str) -> UserError:
    """Return the first thing that is wrong with settings, as the user's error.

    Args:
        error: Pydantic's.
        named: From a setting's path, e.g. "gan.steps", to what the user calls it.
    """
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    begin = f"{named(place)}: " if place else ""
    found = f", not {first['input']!r}" if place and not isinstance(first["input"], dict) else ""
    return UserError(f"{begin}{first['msg'].removeprefix('Value error, ')}{found}")
