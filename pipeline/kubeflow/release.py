"""KFP's releases: the oldest that runs the pipeline, and what newer ones can do that a schedule depends on."""

from __future__ import annotations

import re

# 2.2 to 2.4 mount no artifacts for a user that isn't root, pass retries over, or break recurring runs.
OLDEST = (2, 5)
# From here on a recurring run can be deleted without its running workflows (propagation_policy); older servers delete both.
KEEPS_RUNS = (2, 16)
# From here on a recurring run's pods get the account that it names; older servers give them their own.
KEEPS_ACCOUNT = (2, 17)


def parse_release(tag: str) -> tuple[int, ...] | None:
    """Read a server's tag, e.g. "2.16.1" as (2, 16, 1); None for one that says nothing, such as "unknown"."""
    found = re.match(r"v?(\d+)\.(\d+)(?:\.(\d+))?(?![\d.])", tag)
    return tuple(int(number or 0) for number in found.groups()) if found else None


def release_name(release: tuple[int, ...] | None) -> str:
    """Name a release as KFP does."""
    return "KFP of an unknown release" if release is None else f"KFP {'.'.join(map(str, release))}"
