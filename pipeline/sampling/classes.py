"""Classes as users name them."""

from __future__ import annotations

from collections.abc import Sequence

from serving.repository.errors import UserError


def class_number(label: str, names: Sequence[str] | None, source: str) -> int:
    """Find a class.

    Args:
        label: Its number or its name; a name that is a number counts as the number.
        names: Names by number, none for an unlabelled dataset; None of a server, which refuses a number that it doesn't know.
        source: What the user calls the generator.

    Raises:
        UserError: There is no such class.
    """
    if names is not None and not names:
        raise UserError(
            f"--label {label}: the generator in {source} has no classes, its images are unlabelled: leave --label out"
        )
    if label.isascii() and label.isdecimal():
        if names and int(label) >= len(names):
            raise UserError(f"there is no class {label}: the generator in {source} knows 0..{len(names) - 1}")
        return int(label)
    if names is None:
        raise UserError(f"--label {label}: a server knows its classes by number only")
    if label not in names:
        raise UserError(f"there is no class {label!r}: the generator in {source} knows {', '.join(names)}")
    return list(names).index(label)
