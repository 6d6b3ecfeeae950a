"""The architecture page draws the code as it is."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from pipeline.nodes import NODES

PACKAGES = ("pipeline", "components", "serving")
ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs/architecture.md").read_text("utf-8")


def drawing() -> tuple[dict[str, set[str]], set[tuple[str, str]]]:
    """The boxes, each with its rooms (`serving.client`), and the arrows between boxes; a package is a box of all its rooms."""
    block = PAGE.partition("```mermaid\n")[2].partition("```")[0]
    boxes: dict[str, set[str]] = {}
    arrows: set[tuple[str, str]] = set()
    package = ""
    for line in block.splitlines():
        if found := re.match(r"\s*subgraph (\w+)", line):
            package = found[1]
        for name, rooms in re.findall(r"(\w+)\[([^\]]+)\]", line):
            boxes[name] = {f"{package}.{room.strip()}" for room in rooms.split(",")}
            boxes[package] = boxes.get(package, set()) | boxes[name]
        if found := re.match(r"\s*(\w+)(?:\[[^\]]+\])? --> (\w+)", line):
            arrows.add((found[1], found[2]))
    return boxes, arrows


def below(box: str, arrows: set[tuple[str, str]]) -> set[str]:
    """The boxes that arrows lead to from a box, directly or through others."""
    found: set[str] = set()
    while more := {to for start, to in arrows if start in {box, *found}} - found:
        found |= more
    return found


def imported(file: Path) -> set[str]:
    """What a file imports of ours; relative imports stay in a room and are left out."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in names if name.split(".")[0] in PACKAGES}


@pytest.fixture(scope="module")
def imports() -> set[tuple[str, str]]:
    """Who imports whom, by room."""
    found: set[tuple[str, str]] = set()
    for package in PACKAGES:
        for file in (ROOT / package).rglob("*.py"):
            parts = file.relative_to(ROOT).with_suffix("").parts
            if parts[1] != "__init__":
                found |= {(".".join(parts[:2]), ".".join(name.split(".")[:2])) for name in imported(file)}
    return {(one, other) for one, other in found if one != other}


def test_every_room_is_drawn(imports):
    boxes, _ = drawing()
    drawn = set().union(*boxes.values())
    assert {room for pair in imports for room in pair} <= drawn


def test_every_arrow_is_an_import(imports):
    boxes, arrows = drawing()
    empty = [pair for pair in arrows if not any(one in boxes[pair[0]] and other in boxes[pair[1]] for one, other in imports)]
    assert not empty


def test_every_import_follows_the_arrows(imports):
    boxes, arrows = drawing()
    allowed = {(one, other) for box in boxes for one in boxes[box] for lower in below(box, arrows) for other in boxes[lower]}
    assert not imports - allowed


def test_the_nodes_stand_in_their_order():
    rows = re.findall(r"^\| `(\w+)` \|", PAGE.partition("## How a run flows")[2], re.MULTILINE)
    assert tuple(rows) == NODES
