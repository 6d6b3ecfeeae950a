"""Tiny generators, built once for all tests of a session, and servers over copies of one."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from serving.server.app import GeneratorServer
from serving.server.options import ServerOptions
from tests.support.tiny_generator import build_tiny_generator


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_tiny_generator(tmp_path_factory.mktemp("tiny") / "model")


@pytest.fixture(scope="session")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another model: other weights, so other pixels for the same seeds, and another training key."""
    return build_tiny_generator(tmp_path_factory.mktemp("other") / "model", scale=0.1, training_key="other")


@pytest.fixture
def base(tiny: Path, tmp_path: Path) -> Path:
    shutil.copytree(tiny, tmp_path / "base" / "1")
    return tmp_path / "base"


@pytest.fixture
def start() -> Iterator[Callable[..., GeneratorServer]]:
    """Start servers on free ports; they stop with the test."""
    servers = []

    def begin(base: Path, name: str = "tiny", **options) -> GeneratorServer:
        server = GeneratorServer(base, name, port=0, options=ServerOptions(**{"poll_seconds": 0.05, **options}))
        servers.append(server)
        server.start()
        return server

    yield begin
    for server in servers:
        server.stop(0)
