"""Every node has one name: in TFX, on Kubeflow and in the code; tests/unit/docs looks at the docs."""

import ast
from pathlib import Path

from pipeline.config import resolve_config
from pipeline.kubeflow.cluster import NEVER_CACHED, PLAN, STEPS, TRAINERS
from pipeline.nodes import GATE, INFRA_VALIDATOR, NODES, PUSHER, USEFULNESS
from pipeline.pipeline import Places, create_components

ROOT = Path(__file__).resolve().parents[3]


def test_the_names_are_those_of_the_components_in_their_order(mnist):
    places = Places(
        pipeline_name="p",
        pipeline_root="/root",
        data_dir=str(mnist.directory),
        schema_file="/schema",
        serving_base="/serving",
        work_dir="",
        training_key="",
        baseline=("", ""),
    )
    for profile, expected in (("full", NODES), ("smoke", tuple(node for node in NODES if node != USEFULNESS))):
        config = resolve_config(profile)
        components = create_components(config, mnist, places)
        assert tuple(component.id for component in components) == expected == config.nodes


def test_what_is_pushed_has_the_blessing_of_the_last_that_may_refuse(mnist):
    places = Places("p", "/root", str(mnist.directory), "/schema", "/serving", "", "", ("", ""))
    for profile, last in (("full", USEFULNESS), ("quick", GATE)):
        components = {one.id: one for one in create_components(resolve_config(profile), mnist, places)}
        for node in (INFRA_VALIDATOR, PUSHER):
            assert components[node].inputs["model_blessing"].producer_component_id == last


def test_kubeflow_runs_the_same_steps():
    assert (PLAN, *NODES) == STEPS
    assert {*NEVER_CACHED, *TRAINERS} <= set(STEPS)


def test_the_code_takes_the_names_from_one_place():
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in sorted((ROOT / "pipeline").rglob("*.py"))
        if path != ROOT / "pipeline" / "nodes.py"
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and node.value in NODES
    ]
    assert found == []
