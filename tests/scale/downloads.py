"""What the cluster is made of: Flink's libraries from PyPI, Beam's job server from Maven; fetched once, checksums checked."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from pipeline.beam import BEAM_VERSION, FLINK_VERSION

_HERE = Path(__file__).parent
CACHE = Path(os.environ.get("FORGER_SCALE_CACHE", Path.home() / ".cache" / "forger-scale"))
# Of the distribution's libraries, those that a session cluster runs on.
_NEEDED = ("flink-dist-", "log4j-api-", "log4j-core-", "log4j-slf4j-impl-")
_STAND_IN = CACHE / "stand-in-job-server.jar"


def flink_libraries() -> list[Path]:
    """Return the jars of the Flink distribution that `flink.txt` pins; pip checks its sha256."""
    pin = (_HERE / "flink.txt").read_text(encoding="utf-8").split()[0].split("==")[1]
    target = CACHE / f"flink-{pin}"
    if not target.is_dir():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
            pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes", "--dest", scratch]
            _run([*pip, "--requirement", str(_HERE / "flink.txt")], "fetch the Flink distribution")
            (archive,) = Path(scratch).glob("*.tar.gz")
            unpacked = Path(scratch) / "lib"
            unpacked.mkdir()
            with tarfile.open(archive) as source:
                for member in source:
                    name = Path(member.name).name
                    if member.isfile() and "/deps/lib/" in member.name and name.startswith(_NEEDED):
                        with source.extractfile(member) as content, (unpacked / name).open("wb") as out:
                            shutil.copyfileobj(content, out)
            unpacked.rename(target)  # whole, or not there
    return sorted(target.glob("*.jar"))


def job_server_jar() -> Path:
    """Return Beam's job server for Flink: of the locked Beam, else a stand-in.

    Not every Maven repository carries the job server (a mirror may leave out so large a file). Then one is packed, by Maven, from
    the parts of the newest release that such a mirror was seen to have (`job_server/pom.xml`); it is older than the locked Beam,
    which `forger run` refuses unless it is told to take it: see `is_stand_in`.
    """
    name = f"beam-runners-flink-{FLINK_VERSION}-job-server"
    jar = Path.home() / ".m2/repository/org/apache/beam" / name / BEAM_VERSION / f"{name}-{BEAM_VERSION}.jar"
    # -C: a wrong checksum is an error.
    maven = ["mvn", "--quiet", "--batch-mode", "-C"]
    get = [*maven, "dependency:get", "-Dtransitive=false", f"-Dartifact=org.apache.beam:{name}:{BEAM_VERSION}"]
    if not jar.is_file():
        with tempfile.TemporaryDirectory() as elsewhere:  # not where a pom.xml lies
            subprocess.run(get, cwd=elsewhere, capture_output=True, check=False)
    if jar.is_file():
        return jar
    if not _STAND_IN.is_file():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
            shutil.copy(_HERE / "job_server" / "pom.xml", scratch)
            _run([*maven, "--file", f"{scratch}/pom.xml", "package"], "pack a job server")
            (built,) = Path(scratch).glob("target/job-server-*.jar")
            built.rename(_STAND_IN)
    return _STAND_IN


def is_stand_in(jar: Path) -> bool:
    """Say whether a job server is not the locked Beam's own."""
    return jar == _STAND_IN


def _run(command: list[str], what: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"could not {what}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
