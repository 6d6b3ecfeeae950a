"""What led to an error, and during which step: libraries wrap each other's errors, and TFX's are noted with their node."""

from __future__ import annotations


def causes(error: BaseException) -> list[BaseException]:
    """Return an error, what it was raised from, and so on down to the first."""
    found: list[BaseException] = []
    following: BaseException | None = error
    while following is not None and all(following is not one for one in found):
        found.append(following)
        following = following.__cause__ or following.__context__
    return found


def step_of(errors: list[BaseException]) -> list[str]:
    """Return what was being done: noted on the first error of all, or on the first of those that it led to."""
    return next((notes for one in reversed(errors) if (notes := getattr(one, "__notes__", []))), [])
