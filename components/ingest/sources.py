"""Where the archives of a registered dataset come from, as `--source` names it."""

from __future__ import annotations

AUTO, UPSTREAM, MIRROR = "auto", "upstream", "mirror"
MODULE = "module"  # of the user's own, which downloads nothing that TFDS could verify
ORIGINS = (AUTO, UPSTREAM, MIRROR)  # any other source is a directory
