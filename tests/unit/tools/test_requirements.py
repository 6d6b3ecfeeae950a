"""The locked versions are ones that setup.py allows: otherwise the package can't be installed with them."""

import ast
import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[3]


def declared() -> list[str]:
    """All requirements of setup.py, of the extras too but for `gpu`, which the lock leaves to the GPU machine."""
    body = ast.parse((ROOT / "setup.py").read_text(encoding="utf-8")).body
    lists = {node.targets[0].id: node.value for node in body if isinstance(node, ast.Assign)}
    extras = ast.literal_eval(lists["EXTRAS_REQUIRE"])
    install = ast.literal_eval(lists["INSTALL_REQUIRES"])
    return [*install, *(line for name, lines in extras.items() if name != "gpu" for line in lines)]


@pytest.fixture(scope="module")
def pins() -> dict[str, str]:
    lines = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    found = [re.match(r"([a-z0-9.-]+)(?:\[.*\])?==([^ ;\\]+)", line) for line in lines]
    return {match[1]: match[2] for match in found if match}


@pytest.mark.parametrize("text", declared())
def test_the_lock_satisfies(text, pins):
    requirement = Requirement(text)
    name = re.sub(r"[-_.]+", "-", requirement.name).lower()
    assert pins[name] in requirement.specifier
