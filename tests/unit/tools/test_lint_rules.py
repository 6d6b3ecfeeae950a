"""`make lint` refuses what it is there to refuse: each rule is broken on purpose, in a copy."""

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
BIN = Path(sys.executable).parent
PACKAGES = ("pipeline", "components", "serving")


def run(*command, cwd=ROOT, **options):
    done = subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True, check=False, **options)
    return done.returncode, " ".join((done.stdout + done.stderr).split())


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """The packages and what configures the tools."""
    copy = tmp_path_factory.mktemp("sources")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, copy / package, ignore=shutil.ignore_patterns("__pycache__", "static", "deploy"))
    shutil.copytree(ROOT / "tools", copy / "tools", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "setup.py"):
        shutil.copy(ROOT / name, copy)
    (copy / "tests").mkdir()
    (copy / ".venv").symlink_to(BIN.parent)
    return copy


@pytest.fixture
def add(sources):
    """Append lines to a module for one test."""
    before = {}

    def append(name, lines):
        file = sources / name
        before[file] = file.read_text("utf-8")
        file.write_text(f"{before[file]}\n{lines}\n", "utf-8")

    yield append
    for file, text in before.items():
        file.write_text(text, "utf-8")


@pytest.mark.parametrize(
    "tool", ["ruff check .", "ruff format --check .", "lint-imports", "check_dependencies.py", "basedpyright"]
)
def test_make_lint_calls(tool):
    assert tool in run("make", "--dry-run", "lint")[1]


@pytest.mark.parametrize(
    ("module", "imported", "contract"),
    [
        ("serving/repository/layout.py", "components.progress", "serving knows neither"),
        ("serving/server/app.py", "pipeline.config", "serving knows neither"),
        ("components/push/executor.py", "pipeline.nodes", "serving knows neither"),
        ("components/push/executor.py", "serving.client", "the model repository alone"),
        ("serving/repository/layout.py", "serving.client", "the model repository below all"),
        ("components/judge/executor.py", "components.gate.settings", "the gate judges what the others make"),
        ("components/gate/figures/kid.py", "apache_beam", "numpy alone"),
        ("components/gate/figures/kid.py", "components.gate.verdict", "component, executor, TFMA"),
        ("components/gate/combiners/quality.py", "tensorflow_model_analysis", "know no TFMA"),
        ("components/gan/recipes/conv.py", "components.gan.training.loop", "nothing of the training"),
        ("pipeline/home/home.py", "pipeline.runner", "a home and the list of nodes below"),
        ("pipeline/home/status.py", "rich.table", "the terminal shows them"),
    ],
)
def test_an_arrow_up_is_refused(sources, add, module, imported, contract):
    add(module, f"import {imported}")
    code, said = run(BIN / "lint-imports", "--no-cache", "--no-logo", cwd=sources, env={"PYTHONPATH": str(sources)})
    assert code == 1
    assert re.search(re.escape(contract) + r"((?!KEPT).)* BROKEN", said)


def test_the_model_repository_needs_the_standard_library_alone():
    modules = [f"serving.repository.{path.stem}" for path in (ROOT / "serving" / "repository").glob("*.py")]
    # -I -S: no site-packages, so an import of anything else fails.
    code = f"import importlib, sys; sys.path.insert(0, {str(ROOT)!r}); [importlib.import_module(name) for name in {modules}]"
    assert run(sys.executable, "-I", "-S", "-c", code) == (0, "")


def test_what_is_imported_must_be_declared_and_the_other_way_round(sources):
    setup = sources / "setup.py"
    text = setup.read_text("utf-8")
    check = (sys.executable, sources / "tools" / "check_dependencies.py")
    assert run(*check, cwd=sources)[0] == 0
    try:
        setup.write_text(text.replace('    "numpy>=2",\n', '    "hypothesis>=6",\n'), "utf-8")
        code, said = run(*check, cwd=sources)
    finally:
        setup.write_text(text, "utf-8")
    assert code == 1
    assert "'numpy' imported but" in said
    assert "'hypothesis' defined as a dependency but not used" in said


def test_what_the_developers_alone_have_may_not_be_imported(sources, add):
    add("serving/client/rows.py", "import httpx")
    code, said = run(sys.executable, sources / "tools" / "check_dependencies.py", cwd=sources)
    assert code == 1
    assert "'httpx' imported but declared as a dev dependency" in said


def test_a_wrong_type_is_found(sources, add):
    add("serving/repository/layout.py", "wrong: str = list_versions(Path('.'))")
    code, said = run(BIN / "basedpyright", "--project", ".", "serving/repository/layout.py", cwd=sources)
    assert code == 1
    assert said.count("error:") == 1
    assert '"list[int]" is not assignable to "str"' in said


@pytest.mark.parametrize(
    ("line", "rule"),
    [('def public() -> None:\n    print("")', "D103"), ('def public(rows):\n    """Print."""\n    print(rows)', "ANN001")],
)
def test_a_public_function_is_documented_and_typed(line, rule):
    text = f'"""A module."""\n\n\n{line}\n'
    code, said = run(BIN / "ruff", "check", "--stdin-filename", "components/new.py", "-", input=text)
    assert code == 1
    assert rule in said


def test_a_marker_that_is_not_registered_is_refused(tmp_path):
    (tmp_path / "test_one.py").write_text("import pytest\n\n@pytest.mark.scales\ndef test_one():\n    pass\n")
    command = (sys.executable, "-m", "pytest", "-q", "-c", ROOT / "pyproject.toml", "--rootdir", tmp_path, tmp_path)
    assert "'scales' not found in `markers`" in run(*command, cwd=tmp_path)[1]


def test_no_test_skips_itself():
    """A tool that is missing fails the tests that need it: what was not run must not look as if it had passed."""
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in (ROOT / "tests").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in {"skip", "skipif", "importorskip", "xfail", "skipTest"}
    ]
    assert found == []
