"""The model that the conformance table is about: `python -m tests.conformance.model DIRECTORY` makes its base directory."""

import sys
from pathlib import Path

from tests.support.tiny_generator import build_tiny_generator

NAME, VERSION = "tiny", 3


def build(base: Path) -> Path:
    """Make a model base with one version; returns it."""
    build_tiny_generator(base / str(VERSION))
    return base


if __name__ == "__main__":
    print(build(Path(sys.argv[1])))
