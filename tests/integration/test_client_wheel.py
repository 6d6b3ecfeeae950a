"""The wheel forger-client: built, installed where no Forger is, and used against a real server."""

import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from serving.server.app import GeneratorServer
from tests.support.tiny_generator import build_tiny_generator

ROOT = Path(__file__).resolve().parents[2]
CLIENT = ROOT / "serving" / "client"
# What a web backend would do with it; prints what it was told.
_USE = """
import asyncio, sys
import numpy as np
from forger_client import ANY_LABEL, AsyncGeneratorClient, ClientError, ClientTls, GeneratorClient, seeds_for

target = sys.argv[1]
with GeneratorClient(target, "tiny") as client:
    images, labels = client.sample(seeds_for(5, 600), [ANY_LABEL] * 600)
    assert images.shape == (600, 28, 28, 1) and images.dtype == np.uint8 and set(labels) <= set(range(10))
    again, _ = client.at(version=1).sample(seeds_for(5, 1), [ANY_LABEL])
    assert np.array_equal(again[0], images[0])
    pngs, _ = client.sample_png([1], [7])
    assert pngs[0].startswith(b"\\x89PNG")
    latents, chosen = client.latents([1, 2], [7, 7])
    assert client.sample_latent(latents, chosen).dtype == np.float32
    assert np.array_equal(client.interpolate(1, 2, 5, 7)[0][[0, -1]], client.sample([1, 2], [7, 7])[0])
    assert client.metadata().version == client.status()[0].version == 1
    try:
        client.sample([1], [99])
    except ClientError as error:
        print(error.code)

async def draw():
    async with AsyncGeneratorClient(target, "tiny") as client:
        return await asyncio.gather(*(client.sample([one], [3]) for one in range(50)))

assert len(asyncio.run(draw())) == 50
try:
    GeneratorClient(target, "tiny", 5, tls=ClientTls()).status()
except ClientError as error:
    print(error)
assert not {"tensorflow", "serving", "pipeline", "PIL"} & set(sys.modules)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    directory = tmp_path_factory.mktemp("client")
    source = shutil.copytree(CLIENT, directory / "source", ignore=shutil.ignore_patterns("__pycache__", "build", "*.egg-info"))
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(directory)]
    subprocess.run([*pip, str(source)], check=True, capture_output=True, text=True)
    (built,) = directory.glob("forger_client-*.whl")
    return built


@pytest.fixture(scope="module")
def target(tmp_path_factory):
    base = tmp_path_factory.mktemp("tiny")
    build_tiny_generator(base / "1")
    with GeneratorServer(base, "tiny", port=0) as server:
        yield server.target


def test_it_holds_every_source_is_small_and_needs_no_tensorflow(wheel):
    assert wheel.name.endswith("-py3-none-any.whl")
    assert wheel.stat().st_size < 2**20
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        (metadata,) = (archive.read(name).decode() for name in names if name.endswith("/METADATA"))
    assert {f"forger_client/{path.name}" for path in CLIENT.glob("*.py")} | {"forger_client/py.typed"} <= names
    assert {name.partition("/")[0] for name in names if "dist-info" not in name} == {"forger_client"}
    needs = re.findall(r"^Requires-Dist: ([a-z]+)(?!.*extra)", metadata, re.MULTILINE)
    assert sorted(needs) == ["grpcio", "numpy", "protobuf"]
    (own,) = re.findall(r'version="(.+)"', (ROOT / "setup.py").read_text())
    assert f"Version: {own}\n" in metadata


def test_its_sources_import_nothing_else_of_forger():
    for path in CLIENT.glob("*.py"):
        assert not re.findall(r"^\s*(?:from|import) (?:serving|components|pipeline)\b", path.read_text(), re.MULTILINE), path


def _pythons() -> list[str]:
    """The oldest and the newest Python at hand that the client is for, and this one."""
    names = [f"python3.{minor}" for minor in range(9, 15)]
    found = [which for name in names if (which := shutil.which(name))]
    found += [str(path) for name in names for path in Path.home().glob(f".pyenv/versions/3.*/bin/{name}")]
    code = "import sys, venv, ensurepip; print('%03d%03d' % sys.version_info[:2])"
    asked = {path: subprocess.run([path, "-c", code], capture_output=True, text=True, check=False) for path in found}
    by_version = sorted((done.stdout.strip(), path) for path, done in asked.items() if done.returncode == 0)
    ends = {by_version[0][1], by_version[-1][1]} if by_version else set()
    return sorted(ends | {sys.executable})


@pytest.mark.parametrize("interpreter", _pythons())
def test_a_fresh_environment_draws_with_it(interpreter, wheel, target, tmp_path):
    python = tmp_path / "venv" / "bin" / "python"
    _run(interpreter, "-m", "venv", tmp_path / "venv")
    _run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", wheel)
    (tmp_path / "serving").mkdir()  # a folder of the user's own, of a name that Forger has too
    (tmp_path / "serving" / "__init__.py").write_text("raise ImportError('this is the user\\'s own')")
    (tmp_path / "use.py").write_text(_USE)
    said = _run(python, tmp_path / "use.py", target, cwd=tmp_path).splitlines()
    assert said[0] == "INVALID_ARGUMENT"
    assert "the server speaks gRPC without TLS: leave TLS out" in said[1]
    assert not list((tmp_path / "venv").glob("lib/python*/site-packages/tensorflow*"))


def test_it_is_installed_beside_forger(wheel, target, tmp_path):
    """Both bring the same code, under names of their own."""
    _run(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", tmp_path / "site", wheel)
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path / 'site')!r}); import tensorflow\n"
        "from serving.client import GeneratorClient as One; from forger_client import GeneratorClient as Other\n"
        f"a, b = (kind({target!r}, 'tiny').sample([1], [7])[0] for kind in (One, Other)); assert (a == b).all()"
    )
    _run(sys.executable, "-c", code, cwd=ROOT)


def _run(*command, cwd=None):
    done = subprocess.run([str(one) for one in command], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout
