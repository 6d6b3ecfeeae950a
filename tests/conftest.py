"""Fixtures that every kind of test shares."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from components.ingest.prepare import prepare
from components.ingest.record import PreparedDataset
from components.ingest.settings import DataSettings
from pipeline.environment import prepare_tensorflow

pytest_plugins = ["tests.support.browser"]

# As the command does it: tests compare its results with results of their own.
prepare_tensorflow(quiet=True)
# TFX's Beam executors take the process's arguments for flags of their own, pytest's `-v` as well.
del sys.argv[1:]

_ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def mnist() -> PreparedDataset:
    """MNIST, prepared once for all runs of the tests (FORGER_DATA_DIR, else the default home's data)."""
    return prepare(DataSettings(), Path(os.environ.get("FORGER_DATA_DIR", _ROOT / ".forger" / "data")))
