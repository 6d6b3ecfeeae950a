"""One component, one pattern: TFX's own pair of files, with the settings and the library beside them."""

import ast
from pathlib import Path

import pytest
from tfx.dsl.components.base.base_component import BaseComponent

import components

ROOT = Path(components.__file__).parent
FOLDERS = sorted(path.name for path in ROOT.iterdir() if (path / "__init__.py").exists())


def members(module: str, base: type) -> list[type]:
    """The subclasses of a base that a module defines itself."""
    loaded = __import__(module, fromlist=["*"])
    return [
        value
        for value in vars(loaded).values()
        if isinstance(value, type) and issubclass(value, base) and value.__module__ == module
    ]


def test_there_are_folders():
    assert {"ingest", "validate", "transform", "judge", "gan", "gate", "push"} <= set(FOLDERS)


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_folder_has_a_component_and_its_executor(folder):
    assert (ROOT / folder / "component.py").is_file()
    assert (ROOT / folder / "executor.py").is_file()
    assert members(f"components.{folder}.component", BaseComponent), "component.py defines no TFX component"


@pytest.mark.parametrize("folder", FOLDERS)
def test_what_runs_is_in_executor_py(folder):
    """`Do`, `run_fn` and `preprocessing_fn` are TFX's entries into a component; they stand nowhere else."""
    found = set()
    for path in (ROOT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name in ("Do", "run_fn", "preprocessing_fn"):
                found.add(path.name)
    assert found == {"executor.py"}


@pytest.mark.parametrize("folder", FOLDERS)
def test_settings_are_in_settings_py(folder):
    for path in (ROOT / folder).rglob("*.py"):
        names = {node.name for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.ClassDef)}
        assert path.name == "settings.py" or not {name for name in names if name.endswith("Settings")}, path
