"""What pydantic says of a user's settings, in one line."""

from __future__ import annotations

from collections.abc import Callable

from pydantic import ValidationError

from serving.repository.errors import UserError

_WORD = "literal["  # begins what pydantic adds to the path of a setting that may be a word, e.g. "auto"


def refusal(error: ValidationError, named: Callable[[str], str] = str) -> UserError:
    """Return the first thing that is wrong with settings, as the user's error.

    Args:
        error: Pydantic's.
        named: From a setting's path, e.g. "gan.steps", to what the user calls it.
    """
    first, *others = error.errors()
    path = first["loc"]
    if path and str(path[-1]).startswith(_WORD):
        # A number or a word: pydantic tells of both, and adds which one to the path.
        path = path[:-1]
        first = next((other for other in others if other["loc"][:-1] == path), first)
    place = ".".join(str(part) for part in path)
    begin = f"{named(place)}: " if place else ""
    found = f", not {first['input']!r}" if place and not isinstance(first["input"], dict) else ""
    return UserError(f"{begin}{first['msg'].removeprefix('Value error, ')}{found}")
