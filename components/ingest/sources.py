"""Where the archives of a registered dataset come from, as `--source` names it."""

from __future__ import annotations

AUTO, UPSTREAM, MIRROR = "auto", "upstream", "mirror"
ORIGINS = (AUTO, UPSTREAM, MIRROR)  # any other source is a directory
