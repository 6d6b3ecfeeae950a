"""The built wheel holds everything: the packages, their data files, the command."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def known(*places: str) -> list[str]:
    """The files that git knows."""
    listed = subprocess.run(["git", "ls-files", "-z", *places], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [name for name in listed.split("\0") if name]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    directory = tmp_path_factory.mktemp("wheel")
    # Built from a copy of what git knows, so that no leftover of this checkout gets in, and none is left here.
    source = directory / "source"
    for name in known():
        if (ROOT / name).exists():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(directory)]
    subprocess.run([*pip, str(source)], check=True, capture_output=True, text=True)
    (built,) = directory.glob("forger-*.whl")
    return built


def test_it_holds_every_source_and_data_file_and_no_test(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    sources = known("pipeline", "components", "serving")
    assert len(sources) > 200
    for name in sources:
        if Path(name).suffix in {".py", ".pbtxt", ".j2", ".css", ".js", ".html", ".typed"}:
            assert name in names
    assert not [name for name in names if name.startswith("tests")]


def test_the_installed_command_runs_away_from_the_checkout(wheel, tmp_path):
    target = tmp_path / "site"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(target), str(wheel)]
    subprocess.run(pip, check=True, capture_output=True, text=True)
    code = (
        "import pipeline, components.validate.schema as schema\n"
        f"assert pipeline.__file__.startswith({str(target)!r}), pipeline.__file__\n"
        "assert schema._TEMPLATE.is_file()\n"
        "from components.codehash import code_digest; from components.gan.training_key import SOURCES; code_digest(*SOURCES)"
    )
    environment = {**os.environ, "PYTHONPATH": str(target)}
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, check=True)
    done = subprocess.run(
        [str(target / "bin" / "forger"), "--help"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert "served, gated generator" in done.stdout
