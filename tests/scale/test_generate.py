"""Mass sampling on the cluster, by the installed command: the job ran there, and its shards are those of one machine."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.scale.conftest import engine_flags
from tests.scale.flink import FlinkCluster
from tests.support.tiny_generator import build_tiny_generator

pytestmark = pytest.mark.scale


def generate(cluster: FlinkCluster, work: Path, out: str, *flags: str) -> dict[str, bytes]:
    """Draw into a directory; returns its shards by name."""
    request = ["--count", "1000", "--shard-size", "130", "--model", "model", "--home", "home", "--out", out]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [cluster.site / "bin/forger", "generate", *request, *flags]
    done = subprocess.run(command, cwd=work, env=environment, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return {path.name: path.read_bytes() for path in (work / out).iterdir() if "-of-" in path.name}


def test_shards_are_those_of_one_machine(cluster: FlinkCluster, tmp_path: Path) -> None:
    build_tiny_generator(tmp_path / "model")
    on_flink = generate(cluster, tmp_path, "flink", *engine_flags(cluster))
    assert len(on_flink) == 8
    assert on_flink == generate(cluster, tmp_path, "local")
    (job,) = [job for job in cluster.jobs() if job["name"].endswith("-generate")]
    assert job["state"] == "FINISHED"
    assert max(vertex["parallelism"] for vertex in job["vertices"]) == cluster.slots
