"""Every node has one name, everywhere: in TFX, on Kubeflow, in the code and in the docs."""

import ast
import re
from pathlib import Path

from pipeline.config import resolve_config
from pipeline.kubeflow.cluster import HOME_STEPS, NEVER_CACHED, PLAN, STEPS, TRAINERS
from pipeline.nodes import NODES
from pipeline.pipeline import Places, create_components

ROOT = Path(__file__).resolve().parents[3]
# What a node's name looks like: TFX's endings, behind a capital letter.
_LIKE_A_NODE = re.compile(r"\b[A-Z]\w*(?:Gen|Validator|Trainer|Pusher|Evaluator|Transform)\b")
# TFX's own names, by which the docs call the kind of a component and not a node of ours.
_KINDS = {
    "ExampleGen", "ExampleValidator", "ImportExampleGen", "InfraValidator", "Pusher", "SchemaGen",
    "Trainer", "Evaluator",
}  # fmt: skip


def test_the_names_are_those_of_the_components_in_their_order(mnist):
    places = Places("p", "/root", str(mnist.directory), "/schema", "/serving", "", ("", ""))
    assert [component.id for component in create_components(resolve_config("smoke"), mnist, places)] == list(NODES)


def test_kubeflow_runs_the_same_steps():
    assert (PLAN, *NODES) == STEPS
    assert {*HOME_STEPS, *NEVER_CACHED, *TRAINERS} <= set(STEPS)


def test_the_code_takes_the_names_from_one_place():
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in sorted((ROOT / "pipeline").rglob("*.py"))
        if path != ROOT / "pipeline" / "nodes.py"
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and node.value in NODES
    ]
    assert found == []


def test_the_docs_name_no_node_that_there_is_not():
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    named = {(page.name, name) for page in pages for name in _LIKE_A_NODE.findall(page.read_text("utf-8"))}
    assert {(page, name) for page, name in named if name not in (*NODES, *_KINDS)} == set()


def test_the_readme_calls_the_nodes_by_their_names():
    text = (ROOT / "README.md").read_text("utf-8")
    assert [name for name in NODES if not re.search(rf"\b{name}\b", text)] == []
    assert set(_LIKE_A_NODE.findall(text)) - set(NODES) <= {"Trainer", "Evaluator"}  # TFX's classes, spoken of as such
