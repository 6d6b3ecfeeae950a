"""Mass sampling on a real Spark cluster, whose executors start the workers (`--beam-environment process`)."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.scale.downloads import is_stand_in
from tests.scale.spark import SparkCluster
from tests.support.tiny_generator import build_tiny_generator

pytestmark = pytest.mark.scale


@pytest.fixture(scope="module")
def spark() -> Iterator[SparkCluster]:
    """Two cores."""
    with SparkCluster(slots=2) as running:
        yield running


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A directory with a generator."""
    build_tiny_generator(tmp_path / "model")
    return tmp_path


def generate(cluster: SparkCluster, work: Path, out: str, *flags: Any) -> tuple[int, str]:
    """Draw into a directory by the installed command; returns the exit code and what was printed."""
    request = ["--count", "1000", "--shard-size", "130", "--model", "model", "--home", "home", "--out", out]
    # Spark's driver is Beam's job server, a child of the command; it must name the loopback to the executors.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | {"SPARK_LOCAL_IP": "127.0.0.1"}
    command = [cluster.site / "bin/forger", "generate", *request, *map(str, flags)]
    done = subprocess.run(command, cwd=work, env=environment, capture_output=True, text=True, timeout=900, check=False)
    return done.returncode, done.stdout + done.stderr


def on_spark(cluster: SparkCluster, **changes: Any) -> list[Any]:
    """The command line's options for the cluster."""
    options = {
        "--spark-master": cluster.master,
        "--spark-job-server-jar": cluster.job_server_jar,
        "--beam-environment": "process",
        "--beam-workers": cluster.site / "bin/forger-worker",
    } | {f"--{name.replace('_', '-')}": value for name, value in changes.items()}
    skew = ["--beam-allow-skew"] if is_stand_in(cluster.job_server_jar) else []
    return ["--beam-runner", "spark", *skew, *(part for pair in options.items() for part in pair)]


def shards(directory: Path) -> dict[str, bytes]:
    """The shards in a directory, by name."""
    return {path.name: path.read_bytes() for path in directory.iterdir() if "-of-" in path.name}


def test_shards_are_those_of_one_machine(spark, work):
    code, seen = generate(spark, work, "spark", *on_spark(spark, beam_parallelism=1))
    assert code == 0, seen
    assert len(shards(work / "spark")) == 8
    code, seen = generate(spark, work, "local")
    assert code == 0, seen
    assert shards(work / "spark") == shards(work / "local")
    jobs = {job["name"].split("-")[2].split("_")[0]: job for job in spark.jobs()}
    assert {name: job["state"] for name, job in jobs.items()} == {"probe": "FINISHED", "generate": "FINISHED"}
    assert jobs["generate"]["cores"] == 1  # of two: --beam-parallelism


def test_workers_that_cannot_be_started_are_found_before_the_job(spark, work):
    code, seen = generate(spark, work, "none", *on_spark(spark, beam_workers="/nowhere/forger-worker"))
    assert code == 2
    assert "the workers at /nowhere/forger-worker can't be started (IOException: error=2, No such file or directory)" in seen
