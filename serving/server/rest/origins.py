"""Origins of web pages, as an operator gives them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from serving.repository.errors import UserError

_ORIGIN = re.compile(r"https?://[^/?#@\s*]+", re.IGNORECASE)


def check_origins(origins: Sequence[str]) -> tuple[str, ...]:
    """Check them, and write them as browsers send them.

    Raises:
        UserError: One has a path, or no scheme.
    """
    for origin in origins:
        if origin != "*" and not _ORIGIN.fullmatch(origin):
            raise UserError(f"{origin!r} is no origin: give SCHEME://HOST[:PORT] without a path, e.g. https://example.org, or *")
    return tuple(origin.lower() for origin in origins)
