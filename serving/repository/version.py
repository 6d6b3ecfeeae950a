"""The version of Forger that is installed; setup.py is the one place that says it."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

UNKNOWN = "unknown"  # of a source tree that nobody has installed


def forger_version() -> str:
    """Return the installed version, or UNKNOWN."""
    try:
        return version("forger")
    except PackageNotFoundError:
        return UNKNOWN
