"""Tiny generators, built once."""

from pathlib import Path

import pytest

from tests.support.tiny_generator import build_tiny_generator


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_tiny_generator(tmp_path_factory.mktemp("tiny") / "model")


@pytest.fixture(scope="session")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another model: other weights, another training key."""
    return build_tiny_generator(tmp_path_factory.mktemp("other") / "model", scale=0.1, training_key="other")
