"""Where the server under test is: named on the command line, else an embedded one."""

from collections.abc import Iterator

import pytest

from serving.server.app import GeneratorServer
from tests.conformance import model


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--target", help="gRPC HOST:PORT of the server under test; without it an embedded one is started")
    parser.addoption("--rest-target", help="REST HOST:PORT of that server; without it REST is taken to be on port 8501 there")


@pytest.fixture(scope="session")
def targets(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The gRPC and the REST address."""
    # The options exist only where this directory is named on pytest's command line.
    target = request.config.getoption("--target", None)
    if target:
        yield target, request.config.getoption("--rest-target") or f"{target.rpartition(':')[0]}:8501"
        return
    base = model.build(tmp_path_factory.mktemp("conformance") / model.NAME)
    with GeneratorServer(base, model.NAME, port=0, rest_port=0) as server:
        yield server.target, server.rest_target
